//! Copies of what may be secret, and long: each is made at once at its full size, since growing would leave an unwiped
//! copy behind; it is wiped when dropped; and it is refused where there is no memory for it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::error::{Error, Kind, Result};
use crate::shortage;

/// All parts as one.
pub fn join(parts: &[&[u8]]) -> Result<Zeroizing<Vec<u8>>> {
    let mut whole = with_capacity(parts.iter().map(|part| part.len()).sum())?;
    parts.iter().for_each(|part| whole.extend_from_slice(part));
    Ok(whole)
}

/// Base64 of that, not by way of the stack as by `encode_string`.
pub fn base64(bytes: &[u8]) -> Result<Zeroizing<String>> {
    let length = base64::encoded_len(bytes.len(), true).ok_or_else(no_memory)?;
    let mut digits = with_capacity(length)?;
    digits.resize(length, 0);
    STANDARD.encode_slice(bytes, &mut digits).map_err(|_| no_memory())?;
    // digits are UTF-8
    String::from_utf8(std::mem::take(&mut *digits)).map(Zeroizing::new).map_err(|_| no_memory())
}

/// Nothing yet, with room for so much.
pub fn with_capacity(bytes: usize) -> Result<Zeroizing<Vec<u8>>> {
    let mut room = Zeroizing::new(Vec::new());
    shortage::without_reserve(|| room.try_reserve_exact(bytes)).map_err(|_| no_memory())?;
    Ok(room)
}

/// That there is no memory for them.
pub fn no_memory() -> Error {
    Error::new(Kind::OutOfMemory, "no memory for the credentials")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_and_digits() {
        assert_eq!(**join(&[b"a", b"", b"bc"]).unwrap(), *b"abc");
        for (bytes, digits) in [(&b""[..], ""), (b"f", "Zg=="), (b"fo", "Zm8="), (b"foo", "Zm9v"), (&[0xff; 3], "////")]
        {
            assert_eq!(**base64(bytes).unwrap(), *digits);
        }
        assert_eq!(with_capacity(usize::MAX).unwrap_err().kind(), Kind::OutOfMemory);
        assert!(with_capacity(7).unwrap().capacity() >= 7);
    }
}
