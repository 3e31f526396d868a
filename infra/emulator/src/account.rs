//! The account that everything belongs to, and the names AWS gives to things.

/// Jakarta.
pub const REGION: &str = "ap-southeast-3";

/// The account number.
pub const ACCOUNT: &str = "000000000000";

/// The access key id that every client uses.
pub const ACCESS_KEY: &str = "izin";

/// The secret access key that every client uses. Object requests are checked
/// against it.
pub const SECRET_KEY: &str = "izin-on-one-machine";

/// The ARN of a thing of `service` in this region and account.
pub fn arn(service: &str, thing: &str) -> String {
    format!("arn:aws:{service}:{REGION}:{ACCOUNT}:{thing}")
}
