use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use sdk::primitives::DateTime;
use sdk::types::{WhatsAppBusinessAccountEventDestination, WhatsAppPhoneNumberSummary};
use wiremock::matchers::{method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;

const TOPIC: &str = "arn:aws:sns:ap-southeast-3:000000000000:heard";
const NUMBER: &str = "phone-number-id-0123456789abcdef0123456789abcdef";
const ACCOUNT: &str = "waba-0123456789abcdef0123456789abcdef";

fn client(url: &str) -> Client {
    let credentials = Credentials::new("key", "secret", None, None, "test");
    let aws = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("ap-southeast-3"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build();
    let config = Config {
        topic_arn: TOPIC.to_owned(),
        url: Some(url.to_owned()),
        meta_version: "v20.0".to_owned(),
    };
    Client::new(&aws, &config).unwrap()
}

fn account(topic: &str, status: RegistrationStatus) -> LinkedWhatsAppBusinessAccount {
    let number = WhatsAppPhoneNumberSummary::builder()
        .arn("arn")
        .phone_number("+1")
        .phone_number_id(NUMBER)
        .meta_phone_number_id("1")
        .display_phone_number_name("Toko")
        .display_phone_number("+1")
        .quality_rating("GREEN")
        .build()
        .unwrap();
    let destination = WhatsAppBusinessAccountEventDestination::builder()
        .event_destination_arn(topic)
        .build()
        .unwrap();
    LinkedWhatsAppBusinessAccount::builder()
        .arn("arn")
        .id(ACCOUNT)
        .waba_id("2")
        .registration_status(status)
        .link_date(DateTime::from_secs(0))
        .waba_name("Toko")
        .event_destinations(destination)
        .phone_numbers(number)
        .build()
        .unwrap()
}

#[test]
fn a_number_is_heard_by_our_own_topic_only() {
    let told = |topic, status, number| describe(&account(topic, status), number, TOPIC);
    let ours = told(TOPIC, RegistrationStatus::Complete, NUMBER);
    assert!(ours.is_heard && ours.is_complete);
    assert_eq!(ours.quality.as_deref(), Some("GREEN"));
    assert!(!told("arn:other", RegistrationStatus::Complete, NUMBER).is_heard);
    assert!(!told(TOPIC, RegistrationStatus::Incomplete, NUMBER).is_heard);
    assert!(!told(TOPIC, RegistrationStatus::Complete, "phone-number-id-0").is_heard);
}

#[test]
fn an_exception_is_a_code_unless_the_message_may_have_gone() {
    let code = |exception, status| match refused(exception, status) {
        Answer::Refused(refused) => refused.code,
        answer => panic!("{answer:?}"),
    };
    assert_eq!(code(Some("ThrottledRequestException"), 429), Some(130_429));
    assert_eq!(code(Some("ValidationException"), 400), Some(100));
    assert_eq!(code(Some("ThrottledRequestException"), 503), None);
    assert_eq!(code(Some("DependencyException"), 502), None);
    assert_eq!(code(None, 400), None);
    assert_eq!(accepted(None), Answer::NoAnswer);
}

#[test]
fn without_a_topic_there_is_no_way() {
    let env = |pairs: &[(&str, &str)]| {
        let pairs = pairs.iter();
        Env::given(
            pairs
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        )
    };
    assert_eq!(Config::from_env(&env(&[])), Ok(None));
    let url = env(&[("IZIN_SOCIAL_URL", "http://here")]);
    assert_eq!(Config::from_env(&url), Ok(None));
    let topic = env(&[("IZIN_SOCIAL_TOPIC_ARN", TOPIC)]);
    let config = Config::from_env(&topic).unwrap().unwrap();
    assert_eq!(config.topic_arn, TOPIC);
}

/// The listing says whether a template may be sent; the definition says what it
/// says.
#[tokio::test]
async fn a_template_is_its_definition_in_the_state_of_the_listing() {
    let server = MockServer::start().await;
    let page = |token: Option<&str>, id: &str| {
        let mut page = serde_json::json!({"templates": [{
            "templateName": "promo", "metaTemplateId": id, "templateStatus": "PAUSED",
            "templateLanguage": if id == "7" { "id" } else { "en" }, "templateCategory": "MARKETING",
        }]});
        if let Some(token) = token {
            page["nextToken"] = token.into();
        }
        ResponseTemplate::new(200).set_body_json(page)
    };
    Mock::given(path("/v1/whatsapp/template/list"))
        .and(query_param("nextToken", "2"))
        .respond_with(page(None, "7"))
        .mount(&server)
        .await;
    Mock::given(path("/v1/whatsapp/template/list"))
        .respond_with(page(Some("2"), "6"))
        .mount(&server)
        .await;
    let definition = r#"{"name":"promo","status":"APPROVED","components":[]}"#;
    Mock::given(path("/v1/whatsapp/template"))
        .and(query_param("metaTemplateId", "7"))
        .respond_with(
            ResponseTemplate::new(200).set_body_json(serde_json::json!({"template": definition})),
        )
        .mount(&server)
        .await;
    let client = client(&server.uri());
    let template = client.template(ACCOUNT, "promo", "id").await.unwrap();
    let template = template.unwrap();
    assert_eq!(template["status"], "PAUSED");
    assert_eq!(template["components"], serde_json::json!([]));
    let none = client.template(ACCOUNT, "promo", "fr").await.unwrap();
    assert_eq!(none, None);
}

/// What is throttled is not asked for again by the SDK, and a connection that is
/// not open is not opened for a message.
#[tokio::test]
async fn a_call_is_made_once_on_an_open_connection_or_not_at_all() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .respond_with(
            ResponseTemplate::new(429)
                .insert_header("x-amzn-errortype", "ThrottledRequestException")
                .set_body_json(serde_json::json!({"message": "slower"})),
        )
        .mount(&server)
        .await;
    let client = client(&server.uri());
    let call = || {
        let send = client.sdk.send_whats_app_message();
        let send = send
            .origination_phone_number_id(NUMBER)
            .meta_api_version("v20.0");
        Left::watch(send.message(Blob::new("{}")).send())
    };
    let (sent, left) = call().await;
    assert!(sent.is_err());
    assert_eq!(left, Left::NoConnection);
    assert!(client.warm(1).await);
    let (sent, left) = call().await;
    assert!(is(&sent.unwrap_err(), "ThrottledRequestException"));
    assert_eq!(left, Left::Bytes);
    let requests = server.received_requests().await.unwrap();
    let posts = requests.iter().filter(|r| r.method.as_str() == "POST");
    assert_eq!(posts.count(), 1);
}
