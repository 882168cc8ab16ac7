//! Numbers that tell bytes apart.

/// A 64-bit FNV-1a hash of bytes, one after another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Digest(u64);

impl Digest {
    /// That of no bytes.
    pub fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    /// That of more bytes.
    pub fn and(self, bytes: impl IntoIterator<Item = u8>) -> Self {
        const PRIME: u64 = 0x0100_0000_01b3;
        Self(bytes.into_iter().fold(self.0, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME)))
    }

    /// That of more text, of which the end counts too.
    pub fn and_text(self, text: &str) -> Self {
        self.and(text.bytes().chain([0xff]))
    }

    /// Sixteen hexadecimal digits.
    pub fn digits(self) -> String {
        format!("{:016x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first is the offset that FNV's authors give, the others are from their test vectors.
    #[test]
    fn digests_are_fnv_1a() {
        assert_eq!(Digest::new().digits(), "cbf29ce484222325");
        assert_eq!(Digest::new().and(*b"a").digits(), "af63dc4c8601ec8c");
        assert_eq!(Digest::new().and(*b"foo").and(*b"bar").digits(), "85944171f73967e8");
        assert_ne!(Digest::new().and_text("ab").and_text("c").digits(), Digest::new().and_text("a").and_text("bc").digits());
    }
}
