//! What the API takes, and how it refuses the rest.

use serde_json::{Value, json};

use crate::harness::{NUMBER, TOKEN, World, number, person, promo, text};

#[tokio::test]
async fn a_good_template_is_accepted() {
    let world = World::new().await;
    let (status, body) = world.send(&promo(1)).await;
    assert_eq!(status, 200);
    assert_eq!(body["messaging_product"], "whatsapp");
    assert_eq!(body["contacts"][0]["input"], number(1));
    assert_eq!(body["contacts"][0]["wa_id"], "628110000001");
    assert_eq!(body["messages"][0]["message_status"], "accepted");
    let wamid = body["messages"][0]["id"].as_str().unwrap();
    assert!(wamid.starts_with("wamid."), "{wamid}");
}

/// Sends the promo after `change` and expects this code.
async fn check(world: &World, what: &str, expected: u64, change: impl FnOnce(&mut Value)) {
    let mut body = promo(1);
    change(&mut body);
    assert_eq!(world.code(&body).await, expected, "{what}");
}

#[tokio::test]
async fn the_envelope_is_checked() {
    let world = World::new().await;
    check(&world, "no product", 100, |b| {
        b["messaging_product"] = Value::Null
    })
    .await;
    check(&world, "wrong product", 100, |b| {
        b["messaging_product"] = "x".into()
    })
    .await;
    check(&world, "group", 100, |b| {
        b["recipient_type"] = "group".into()
    })
    .await;
    check(&world, "no to", 131_008, |b| b["to"] = Value::Null).await;
    check(&world, "to is a number", 100, |b| b["to"] = 628_111.into()).await;
    check(&world, "to is junk", 131_009, |b| b["to"] = "+62abc".into()).await;
    check(&world, "to oneself", 131_021, |b| {
        b["to"] = "+622155501000".into()
    })
    .await;
    check(&world, "unknown user id", 131_009, |b| {
        b["to"] = Value::Null;
        b["recipient"] = "ID.1".into();
    })
    .await;
    check(&world, "sticker", 131_051, |b| b["type"] = "sticker".into()).await;
    check(&world, "no template", 131_008, |b| {
        b["template"] = Value::Null
    })
    .await;
    check(&world, "no language", 131_008, |b| {
        b["template"]["language"] = Value::Null
    })
    .await;
    check(&world, "nothing wrong", 0, |_| {}).await;
}

#[tokio::test]
async fn the_template_must_exist_in_that_language_and_be_approved() {
    let world = World::new().await;
    let order = |name: &str, language: &str| {
        let mut body = promo(1);
        body["template"] = json!({
            "name": name,
            "language": {"code": language},
            "components": [{"type": "body", "parameters": [
                {"type": "text", "text": "A1"}, {"type": "text", "text": "besok"},
            ]}],
        });
        body
    };
    for (name, language, expected) in [
        ("order", "id", 0),
        ("order", "en_US", 0),
        ("order", "en", 132_001),
        ("order", "en-US", 132_001),
        ("nothing", "id", 132_001),
        ("paused", "id", 132_015),
        ("disabled", "id", 132_016),
        ("pending", "id", 132_001),
    ] {
        assert_eq!(
            world.code(&order(name, language)).await,
            expected,
            "{name} {language}"
        );
    }
    let (status, _) = world.send(&order("nothing", "id")).await;
    assert_eq!(status, 404);
}

#[tokio::test]
async fn parameters_must_fit_the_template() {
    let world = World::new().await;
    let body = |b: &mut Value| std::mem::take(&mut b["template"]["components"][0]["parameters"]);
    check(&world, "one too few", 132_000, |b| {
        b["template"]["components"][0]["parameters"]
            .as_array_mut()
            .unwrap()
            .pop();
    })
    .await;
    check(&world, "no body at all", 132_000, |b| {
        body(b);
        b["template"]["components"]
            .as_array_mut()
            .unwrap()
            .remove(0);
    })
    .await;
    check(&world, "no name", 132_012, |b| {
        b["template"]["components"][0]["parameters"][0]["parameter_name"] = Value::Null;
    })
    .await;
    check(&world, "unknown name", 132_012, |b| {
        b["template"]["components"][0]["parameters"][0]["parameter_name"] = "kota".into();
    })
    .await;
    check(&world, "the same name twice", 132_012, |b| {
        b["template"]["components"][0]["parameters"][0]["parameter_name"] = "nama".into();
    })
    .await;
    for (text, expected) in [
        ("", 131_008),
        ("   ", 131_008),
        ("a\nb", 132_012),
        ("a\tb", 132_012),
        ("a     b", 132_012),
        ("a    b", 0),
        ("{{nama}}", 0),
        (&"x".repeat(1_100), 132_005),
        // 30 characters stand around it, the name among them twice.
        (&"x".repeat(994), 0),
        (&"x".repeat(995), 132_005),
    ] {
        check(&world, "text", expected, |b| {
            b["template"]["components"][0]["parameters"][0]["text"] = text.into();
        })
        .await;
    }
    check(&world, "unknown component", 100, |b| {
        b["template"]["components"][0]["type"] = "footer".into();
    })
    .await;
    check(&world, "wrong type", 132_012, |b| {
        b["template"]["components"][0]["parameters"][0]["type"] = "image".into();
    })
    .await;
}

#[tokio::test]
async fn buttons_are_checked() {
    let world = World::new().await;
    let button = |b: &mut Value, change: Value| b["template"]["components"][1] = change;
    let url = |index: Value, text: Value| json!({"type": "button", "sub_type": "url", "index": index, "parameters": [{"type": "text", "text": text}]});
    check(&world, "index as a number", 0, |b| {
        button(b, url(json!(0), json!("x")))
    })
    .await;
    check(&world, "no index", 131_008, |b| {
        button(b, url(Value::Null, json!("x")))
    })
    .await;
    check(&world, "index beyond", 132_000, |b| {
        button(b, url(json!("7"), json!("x")))
    })
    .await;
    check(&world, "given twice", 131_009, |b| {
        button(b, url(json!("1"), json!("x")))
    })
    .await;
    check(&world, "no suffix", 131_008, |b| {
        button(b, url(json!("0"), json!("")))
    })
    .await;
    check(&world, "suffix too long", 132_005, |b| {
        button(b, url(json!("0"), json!("x".repeat(2_000))));
    })
    .await;
    check(&world, "wrong sub type", 131_009, |b| {
        b["template"]["components"][1]["sub_type"] = "quick_reply".into();
    })
    .await;
    check(&world, "url without its parameter", 131_008, |b| {
        b["template"]["components"]
            .as_array_mut()
            .unwrap()
            .remove(1);
    })
    .await;
    check(&world, "quick reply without payload of its own", 0, |b| {
        b["template"]["components"]
            .as_array_mut()
            .unwrap()
            .remove(2);
    })
    .await;
    check(&world, "empty payload", 131_008, |b| {
        b["template"]["components"][2]["parameters"][0]["payload"] = "".into();
    })
    .await;
}

#[tokio::test]
async fn headers_are_checked() {
    let world = World::new().await;
    let titled = |text: &str| {
        let mut body = promo(1);
        body["template"] = json!({
            "name": "titled", "language": {"code": "id"},
            "components": [{"type": "header", "parameters": [{"type": "text", "text": text}]}],
        });
        body
    };
    assert_eq!(world.code(&titled("Sari")).await, 0);
    assert_eq!(world.code(&titled(&"x".repeat(55))).await, 132_005);

    let banner = |header: Value| {
        let mut body = promo(1);
        body["template"] = json!({
            "name": "banner", "language": {"code": "id"},
            "components": [{"type": "header", "parameters": header}],
        });
        body
    };
    let link = "https://toko.example/a.jpg";
    for (header, expected) in [
        (json!([]), 132_012),
        (json!([{"type": "text", "text": "x"}]), 132_012),
        (json!([{"type": "video", "video": {"link": link}}]), 132_012),
        (json!([{"type": "image", "image": {}}]), 131_008),
        (json!([{"type": "image", "image": {"id": "123"}}]), 131_009),
        (
            json!([{"type": "image", "image": {"link": "ftp://x"}}]),
            131_009,
        ),
        (json!([{"type": "image", "image": {"link": link}}]), 0),
    ] {
        assert_eq!(
            world.code(&banner(header.clone())).await,
            expected,
            "{header}"
        );
    }
}

#[tokio::test]
async fn an_uploaded_picture_works_for_thirty_days() {
    let world = World::new().await;
    let upload = async |mime: &str, bytes: usize| {
        let file = reqwest::multipart::Part::bytes(vec![1; bytes])
            .file_name("a")
            .mime_str(mime)
            .unwrap();
        let form = reqwest::multipart::Form::new()
            .text("messaging_product", "whatsapp")
            .part("file", file);
        let request = world.client.post(world.url(&format!("{NUMBER}/media")));
        let answer = request.bearer_auth(TOKEN).multipart(form).send().await;
        answer.unwrap().json::<Value>().await.unwrap()
    };
    assert_eq!(upload("application/zip", 9).await["error"]["code"], 131_053);
    assert_eq!(
        upload("image/webp", 600_000).await["error"]["code"],
        131_053
    );
    let id = upload("image/png", 9).await["id"].clone();
    let mut body = promo(1);
    body["template"] = json!({
        "name": "banner", "language": {"code": "id"},
        "components": [{"type": "header", "parameters": [{"type": "image", "image": {"id": id}}]}],
    });
    assert_eq!(world.code(&body).await, 0);
    world
        .clock
        .advance(std::time::Duration::from_secs(30 * 86_400));
    assert_eq!(world.code(&body).await, 131_009);
}

#[tokio::test]
async fn text_goes_only_to_people_who_wrote_within_a_day() {
    let world = World::new().await;
    assert_eq!(world.code(&text(1)).await, 131_047);
    world.simulator.person_says(&person(1), "Masih ada stok?");
    let (status, body) = world.send(&text(1)).await;
    assert_eq!(status, 200);
    assert!(body["messages"][0].get("message_status").is_none());
    let mut long = text(1);
    long["text"]["body"] = "x".repeat(4_097).into();
    assert_eq!(world.code(&long).await, 100);
    long["text"]["body"] = "".into();
    assert_eq!(world.code(&long).await, 131_008);
    world.clock.advance(std::time::Duration::from_secs(86_400));
    assert_eq!(world.code(&text(1)).await, 131_047);
}

#[tokio::test]
async fn the_door_for_marketing_takes_marketing_only() {
    let world = World::new().await;
    let (status, _) = world.send_marketing(&promo(1)).await;
    assert_eq!(status, 200);
    let (_, body) = world.send_marketing(&text(1)).await;
    assert_eq!(body["error"]["code"], 131_055);
    let mut order = promo(1);
    order["template"] = json!({
        "name": "order", "language": {"code": "id"},
        "components": [{"type": "body", "parameters": [
            {"type": "text", "text": "A1"}, {"type": "text", "text": "besok"},
        ]}],
    });
    let (_, body) = world.send_marketing(&order).await;
    assert_eq!(body["error"]["code"], 134_100);
    world.simulator.drain().await;
    let (_, _, sent) = world.webhook.updates().remove(0);
    assert_eq!(sent["pricing"]["category"], "marketing_lite");
}

#[tokio::test]
async fn a_code_for_signing_in_needs_a_number() {
    let world = World::with(|config| config.behaviour.has_user_id = 1.0).await;
    world.simulator.person_says(&person(1), "Halo");
    world.simulator.deliver_due().await;
    let (_, _, said) = world.webhook.updates().remove(0);
    let mut body = promo(1);
    body["template"] = json!({
        "name": "code", "language": {"code": "id"},
        "components": [{"type": "body", "parameters": [{"type": "text", "text": "123"}]}],
    });
    assert_eq!(world.code(&body).await, 0);
    body["to"] = Value::Null;
    body["recipient"] = said["from_user_id"].clone();
    assert_eq!(world.code(&body).await, 131_062);
}

#[tokio::test]
async fn a_number_without_plus_goes_astray() {
    let world = World::new().await;
    let mut body = promo(1);
    body["to"] = "628110000001".into();
    let (_, answer) = world.send(&body).await;
    assert_eq!(answer["contacts"][0]["wa_id"], "62628110000001");
    assert_eq!(world.simulator.report().without_plus, 1);
}

#[tokio::test]
async fn access_needs_a_good_token_and_a_known_version_and_number() {
    let world = World::new().await;
    let post = async |path: String, token: Option<&str>| {
        let mut request = world.client.post(path).json(&promo(1));
        if let Some(token) = token {
            request = request.header("authorization", token);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let body: Value = answer.json().await.unwrap();
        (status, body["error"]["code"].as_u64())
    };
    let url = world.url(&format!("{NUMBER}/messages"));
    let good = format!("Bearer {TOKEN}");
    assert_eq!(post(url.clone(), None).await, (403, Some(200)));
    assert_eq!(post(url.clone(), Some("Basic x")).await, (401, Some(0)));
    assert_eq!(post(url.clone(), Some("Bearer x")).await, (401, Some(190)));
    assert_eq!(post(url.clone(), Some(&good)).await, (200, None));
    let old = url.replace("v25.0", "v19.0");
    assert_eq!(post(old, Some(&good)).await, (400, Some(2_635)));
    let new = url.replace("v25.0", "v26.0");
    assert_eq!(post(new, Some(&good)).await, (200, None));
    let unversioned = url.replace("v25.0", "latest");
    assert_eq!(post(unversioned, Some(&good)).await, (400, Some(2_500)));
    let stranger = world.url("1/messages");
    assert_eq!(post(stranger, Some(&good)).await, (400, Some(33)));

    let fresh = vec!["fresh".to_owned().into(), TOKEN.to_owned().into()];
    world.simulator.set_access_tokens(fresh);
    assert_eq!(post(url.clone(), Some("Bearer fresh")).await, (200, None));
    assert_eq!(post(url, Some(&good)).await, (200, None));
}

#[tokio::test]
async fn errors_hold_nothing_of_the_person() {
    let world = World::new().await;
    let mut body = promo(1);
    body["template"]["components"][0]["parameters"][0]["text"] = "SECRET\n".into();
    let (status, text) = world.try_send(&body).await.unwrap();
    assert_eq!(status, 400);
    assert!(
        !text.contains("SECRET") && !text.contains("62811"),
        "{text}"
    );
    let error: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(error["error"]["type"], "OAuthException");
    assert_eq!(
        error["error"]["error_data"]["messaging_product"],
        "whatsapp"
    );
    assert!(
        error["error"]["message"]
            .as_str()
            .unwrap()
            .starts_with("(#132012)")
    );
}
