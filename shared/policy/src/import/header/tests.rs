use super::*;

fn roles(headers: &[&str]) -> Option<Vec<Role>> {
    let headers: Vec<String> = headers.iter().map(|&header| header.to_owned()).collect();
    let columns = recognise(&headers)?.mapping.columns;
    Some(columns.iter().map(|column| column.role).collect())
}

#[test]
fn a_name_means_one_thing() {
    let file: serde_json::Value = serde_json::from_str(DATA).unwrap();
    let mut seen = HashMap::new();
    for (role, names) in file["roles"].as_object().unwrap() {
        if role.starts_with("phone_w") {
            continue;
        }
        assert!(Role::from_code(role).is_some(), "{role}");
        for name in names.as_array().unwrap() {
            let name = squash(name.as_str().unwrap());
            if let Some(other) = seen.insert(name.clone(), role) {
                assert_eq!(other, role, "{name}");
            }
        }
    }
}

#[test]
fn every_role_has_a_header_that_brings_it_back() {
    for role in Role::ALL {
        if matches!(role, Role::Attribute | Role::Ignored) {
            continue;
        }
        let header = standard_header(role);
        let found = NAMES.roles.get(&squash(header)).map(|&(role, _)| role);
        assert_eq!(found, Some(role), "{header}");
        assert_eq!(Role::from_code(role.code()), Some(role));
    }
}

#[test]
fn the_best_name_wins_and_the_rest_stay_attributes() {
    use Role::{
        Attribute, ConsentAt, ConsentStatus, FamilyName, GivenName, Name, Phone, PhoneOther,
    };

    for (headers, expected) in [
        (
            vec!["Phone Number", "WhatsApp Number"],
            vec![PhoneOther, Phone],
        ),
        (vec!["No. HP/WA", "NAMA_LENGKAP"], vec![Phone, Name]),
        (
            vec!["First Name", "Last Name", "Mobile"],
            vec![GivenName, FamilyName, Phone],
        ),
        (vec!["consentAt", "nohp"], vec![ConsentAt, Phone]),
        (vec!["No Telp Penerima", "Nama Penerima"], vec![Phone, Name]),
        (vec!["No HP (aktif)", "Kota"], vec![Phone, Attribute]),
        (vec!["Téléphone", "phone"], vec![PhoneOther, Phone]),
        (vec!["phone", "phone"], vec![Phone, PhoneOther]),
        (
            vec![
                "Nama Penerima",
                "Nama Pembeli",
                "No Telp Pembeli",
                "No Telp Penerima",
            ],
            vec![Attribute, Name, Phone, Attribute],
        ),
        (
            vec!["Timestamp", "WA", "Bersedia dihubungi"],
            vec![ConsentAt, Phone, ConsentStatus],
        ),
        (vec!["Timestamp", "No WA"], vec![Attribute, Phone]),
        (
            vec!["CONTACT ID", "EMAIL", "SMS", "WHATSAPP", "OPT_IN"],
            vec![Role::ExternalId, Attribute, PhoneOther, Phone, Attribute],
        ),
    ] {
        assert_eq!(roles(&headers), Some(expected), "{headers:?}");
    }
    assert_eq!(roles(&["email", "kota"]), None);
}

#[test]
fn variables_have_names_of_their_own() {
    let headers = ["phone", "Kota Asal", "kota-asal", "", "É"].map(str::to_owned);
    let mapping = recognise(&headers).unwrap().mapping;
    let keys: Vec<&str> = mapping
        .columns
        .iter()
        .map(|column| column.key.as_str())
        .collect();
    assert_eq!(keys, ["phone", "kota_asal", "kota_asal_2", "column_4", "é"]);
}
