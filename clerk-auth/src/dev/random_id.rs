//! Random ids in the form of Clerk's.

const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Returns an id such as `sess_2f…`: the prefix, `_` and 27 letters and digits.
pub(super) fn random_id(prefix: &str) -> String {
    let mut random = [0; 27];
    aws_lc_rs::rand::fill(&mut random).expect("the operating system gives random bytes");
    let letters = random.map(|byte| char::from(LETTERS[usize::from(byte) % LETTERS.len()]));
    format!("{prefix}_{}", String::from_iter(letters))
}
