use super::*;

fn secret(text: &str) -> SecretString {
    SecretString::from(text)
}

#[test]
fn only_the_exact_word_is_the_secret_one() {
    assert!(same("w0rd", &secret("w0rd")));
    assert!(
        same("w0rd", &secret("w0rd\n")),
        "a secret pasted with its line end"
    );
    for wrong in ["", "w0r", "w0rd ", "W0rd", "w0rdd"] {
        assert!(!same(wrong, &secret("w0rd")), "{wrong:?}");
    }
    assert!(!same("", &secret("")), "an empty secret is nobody's");
    assert!(!same("", &secret(" \n")));
}

#[test]
fn an_empty_secret_signs_nothing() {
    let left = usable(vec![secret(""), secret("\n"), secret(" key\n")]);
    let left: Vec<&str> = left.iter().map(|secret| secret.expose_secret()).collect();
    assert_eq!(left, ["key"]);
}
