//! The reasons in Indonesian, and the rule that each rests on.

use super::{DeferReason, RefusalReason};

impl RefusalReason {
    /// One sentence in Indonesian.
    pub const fn indonesian(self) -> &'static str {
        match self {
            Self::CampaignCancelled => "Kampanye dibatalkan.",
            Self::CampaignExpired => "Batas waktu kampanye sudah lewat.",
            Self::CampaignNotRunning => "Kampanye tidak sedang berjalan.",
            Self::Suppressed => "Orang ini sudah meminta berhenti.",
            Self::NothingToConfirm => "Permintaan berhenti yang akan dikonfirmasi sudah ditarik.",
            Self::SubscriptionMissing => "Orang ini tidak ada lagi di daftar kampanye.",
            Self::ConsentNeverGiven => "Tidak ada persetujuan yang tercatat.",
            Self::ConsentUnanswered => "Orang ini sudah ditanya dan belum menjawab.",
            Self::ConsentWithdrawn => "Orang ini sudah menarik persetujuannya.",
            Self::ConsentExpired => "Persetujuan sudah kedaluwarsa.",
            Self::ConsentNotYet => "Tanggal persetujuan ada di masa depan.",
            Self::ConsentOtherPurpose => "Persetujuan diberikan untuk tujuan lain.",
            Self::RelationshipOnly => {
                "Hubungan bisnis saja tidak cukup untuk mengirim pesan pemasaran."
            }
            Self::ConsentUnproven => {
                "Bukti persetujuan yang diminta hukum di negara orang ini tidak ada."
            }
            Self::CategoryMismatch => "Kategori templat tidak sesuai dengan tujuan pesan.",
            Self::ServiceWindowClosed => {
                "Teks bebas hanya boleh menjawab pesan dari 24 jam terakhir."
            }
            Self::MarketingBlocked => "Pesan pemasaran tidak dikirim ke negara orang ini.",
            Self::CountryUnreviewed => "Hukum negara orang ini belum ditinjau.",
            Self::NoGoodHour => {
                "Tidak ada jam yang baik di semua zona waktu yang mungkin bagi orang ini."
            }
            Self::AnsweredLately => "Orang ini baru saja mendapat jawaban seperti ini.",
            Self::ContentBlocked => "Tautan atau berkas dalam pesan dinilai berbahaya.",
            Self::TemplateUnusable => "WhatsApp menolak atau menonaktifkan templat.",
            Self::AlreadyClaimed => {
                "Permintaan lain dari kampanye yang sama sudah menangani orang ini."
            }
            Self::ParameterMissing => "Sebuah variabel templat tidak punya nilai untuk orang ini.",
            Self::ParameterInvalid => "Nilai sebuah variabel templat tidak diterima WhatsApp.",
            Self::MessageTooLong => "Teks terlalu panjang setelah nilai orang ini dimasukkan.",
        }
    }

    /// The rule it rests on, where no country's own row says more.
    pub const fn source(self) -> &'static str {
        match self {
            Self::CampaignCancelled | Self::CampaignExpired => "the campaign's own settings",
            Self::CampaignNotRunning => "policy: nothing leaves that was not approved and started",
            Self::Suppressed | Self::ConsentWithdrawn => {
                "WhatsApp Business Messaging Policy: respect all requests to stop, on or off \
                 WhatsApp; UU 27/2022 Art. 9 and 40"
            }
            Self::NothingToConfirm => "policy: a confirmation is of a stop that stands",
            Self::SubscriptionMissing => "policy: only people on the campaign's list",
            Self::ConsentNeverGiven
            | Self::ConsentUnanswered
            | Self::ConsentOtherPurpose
            | Self::RelationshipOnly
            | Self::ConsentUnproven => {
                "WhatsApp Business Messaging Policy: opt-in that names the business"
            }
            Self::ConsentExpired => "policy: a consent is asked again after two years",
            Self::ConsentNotYet => "policy: evidence from the future is no evidence",
            Self::CategoryMismatch => "Meta, Template categories; error 131064",
            Self::ServiceWindowClosed => "Meta, Customer service windows; error 131047",
            Self::MarketingBlocked => "Meta, Per-user marketing template message limits",
            Self::CountryUnreviewed => {
                "policy: the tenant reviews the law of a country before marketing goes there"
            }
            Self::NoGoodHour => "policy: what is not known of a person's clock counts as night",
            Self::AnsweredLately => "policy: two machines that answer each other come to an end",
            Self::ContentBlocked => "policy: nobody gets a link or file that was found harmful",
            Self::TemplateUnusable => "Meta, Template status; errors 132007 and 132016",
            Self::AlreadyClaimed => "policy: one campaign, one message for each person",
            Self::ParameterMissing | Self::ParameterInvalid => {
                "Meta, Template components; errors 132000, 132012 and 132018"
            }
            Self::MessageTooLong => "Meta, Template components; error 132005",
        }
    }
}

impl DeferReason {
    /// One sentence in Indonesian.
    pub const fn indonesian(self) -> &'static str {
        match self {
            Self::CampaignPaused => "Kampanye sedang dijeda.",
            Self::QuietHours => "Di tempat orang ini sekarang bukan waktu untuk pesan pemasaran.",
            Self::MarketingCoolDown => {
                "WhatsApp baru saja menolak pesan pemasaran untuk orang ini."
            }
            Self::FrequencyCap => "Orang ini sudah cukup menerima pesan akhir-akhir ini.",
            Self::PairLimit => "Terlalu cepat setelah pesan terakhir kepada orang ini.",
            Self::TierFull => "Batas jumlah orang per 24 jam sudah tercapai.",
            Self::ContentUnchecked => "Tautan atau berkas dalam pesan menunggu pemeriksaan.",
            Self::TemplateUnavailable => "Templat sedang tidak boleh dikirim menurut WhatsApp.",
            Self::ClaimsFull => "Catatan orang ini tidak punya tempat untuk pesan lain.",
        }
    }

    /// The rule it rests on, where no country's own row says more.
    pub const fn source(self) -> &'static str {
        match self {
            Self::CampaignPaused => "an operator's or a circuit breaker's decision",
            Self::QuietHours => "policy: advertising by day only",
            Self::MarketingCoolDown => "Meta, Per-user marketing template message limits: 131049",
            Self::FrequencyCap => "the tenant's own settings",
            Self::PairLimit => "Meta, Pair rate limits: 131056",
            Self::TierFull => "Meta, Messaging limits",
            Self::ContentUnchecked => "policy: what is not checked is not sent",
            Self::TemplateUnavailable => "Meta, Template status; error 132015",
            Self::ClaimsFull => "policy: a stop always fits into a person's record",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_code_and_both_languages() {
        let mut codes = Vec::new();
        let refusals = RefusalReason::ALL.map(|reason| {
            (
                reason.code(),
                reason.to_string(),
                reason.indonesian(),
                reason.source(),
            )
        });
        let deferrals = DeferReason::ALL.map(|reason| {
            (
                reason.code(),
                reason.to_string(),
                reason.indonesian(),
                reason.source(),
            )
        });
        for (code, english, indonesian, source) in refusals.into_iter().chain(deferrals) {
            assert!(!codes.contains(&code), "{code} stands for one reason");
            codes.push(code);
            assert!(indonesian.ends_with('.') && !source.is_empty(), "{code}");
            assert!(!english.ends_with('.'), "{code}");
            assert!(
                code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'),
                "{code}"
            );
        }
        for reason in RefusalReason::ALL {
            assert_eq!(RefusalReason::from_code(reason.code()), Some(reason));
        }
        for reason in DeferReason::ALL {
            assert_eq!(DeferReason::from_code(reason.code()), Some(reason));
        }
    }
}
