use proptest::prelude::*;
use uuid::Uuid;

use super::*;

#[test]
fn only_public_encrypted_addresses_are_taken() {
    for good in [
        "https://crm.example.com/hooks/izin",
        "https://crm.example.com:8443/hooks?key=a1b2",
        "https://xn--bcher-kva.example",
        "https://local.example.com/",
        "https://mytest.co.id/",
    ] {
        assert!(EndpointUrl::parse(good).is_ok(), "{good}");
    }
    for (bad, why) in [
        ("", BadEndpointUrl::NotAnAddress),
        ("crm.example.com", BadEndpointUrl::NotAnAddress),
        ("http://crm.example.com/", BadEndpointUrl::NotHttps),
        ("ftp://crm.example.com/", BadEndpointUrl::NotHttps),
        (
            "https://user@crm.example.com/",
            BadEndpointUrl::NotAnAddress,
        ),
        ("https://:pw@crm.example.com/", BadEndpointUrl::NotAnAddress),
        (
            "https://crm.example.com/#part",
            BadEndpointUrl::NotAnAddress,
        ),
        ("https://crm.example.com:22/", BadEndpointUrl::Port),
        ("https://crm.example.com:80/", BadEndpointUrl::Port),
        ("https://127.0.0.1/", BadEndpointUrl::Inside),
        ("https://127.1/", BadEndpointUrl::Inside),
        ("https://2130706433/", BadEndpointUrl::Inside),
        ("https://0x7f.1/", BadEndpointUrl::Inside),
        ("https://169.254.169.254/latest", BadEndpointUrl::Inside),
        ("https://8.8.8.8/", BadEndpointUrl::Inside),
        ("https://[::1]/", BadEndpointUrl::Inside),
        ("https://[::ffff:127.0.0.1]/", BadEndpointUrl::Inside),
        ("https://localhost/", BadEndpointUrl::Inside),
        ("https://LOCALHOST./", BadEndpointUrl::Inside),
        ("https://a.localhost/", BadEndpointUrl::Inside),
        ("https://printer.local/", BadEndpointUrl::Inside),
        ("https://metadata.google.internal/", BadEndpointUrl::Inside),
        ("https://intranet/", BadEndpointUrl::Inside),
    ] {
        assert_eq!(EndpointUrl::parse(bad), Err(why), "{bad}");
    }
    let long = format!("https://crm.example.com/{}", "a".repeat(URL_MAX));
    assert_eq!(EndpointUrl::parse(&long), Err(BadEndpointUrl::TooLong));
}

#[test]
fn signatures_are_those_of_standard_webhooks() {
    // The example that the libraries of Standard Webhooks are tested with.
    let secret = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    let secret = SigningSecret(secret);
    assert_eq!(secret.expose(), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    let at = Timestamp::from_second(1_614_265_330).unwrap();
    let body = br#"{"test": 2432232314}"#;
    assert_eq!(
        secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", at, body),
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    );
}

#[test]
fn every_endpoint_and_every_rotation_has_a_secret_of_its_own() {
    let key = EndpointKey::new(&[7; 32]).unwrap();
    let [one, other] = [1, 2].map(|n| EndpointId::from_uuid(Uuid::from_u128(n)));
    let secrets = [
        key.secret(one, 1),
        key.secret(one, 2),
        key.secret(other, 1),
        EndpointKey::new(&[8; 32]).unwrap().secret(one, 1),
    ];
    for (n, secret) in secrets.iter().enumerate() {
        assert!(!secrets[..n].contains(secret));
        // Standard Webhooks asks for 24 to 64 bytes.
        assert_eq!(secret.0.len(), 32);
    }
    assert_eq!(key.secret(one, 1), secrets[0]);
    assert!(EndpointKey::new(&[7; 15]).is_err());
    assert_eq!(
        format!("{:?} {key:?}", secrets[0]),
        "SigningSecret(…) EndpointKey(…)"
    );
}

#[test]
fn waits_grow_to_what_a_queue_can_hold() {
    let waits: Vec<_> = (1..=7).map(|n| wait_after(n).as_secs()).collect();
    assert_eq!(waits, [5, 30, 120, 300, 600, 900, 900]);
    assert_eq!(wait_after(0).as_secs(), 5);
    assert_eq!(wait_after(u32::MAX).as_secs(), 900);
}

proptest! {
    #[test]
    fn whatever_is_taken_is_encrypted_and_names_a_host(
        scheme in "https?",
        rest in "[a-z0-9.:@/\\[\\]#-]{0,40}",
    ) {
        if let Ok(address) = EndpointUrl::parse(&format!("{scheme}://{rest}")) {
            let url = address.expose();
            prop_assert_eq!(url.scheme(), "https");
            prop_assert!(matches!(url.host(), Some(Host::Domain(name)) if name.contains('.')));
            prop_assert!(url.username().is_empty());
        }
    }
}
