//! RSA that is real to clients and no secret at all. Clients wrap and encrypt by themselves, with the public part of a key;
//! the vault has to open what they made.
//!
//! A modulus is a product of 128-bit primes from a fixed list, so that a key's private part need not be kept: it follows
//! from its public one.

use crate::world::rng::Rng;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use num_bigint::BigUint;
use sha1::Sha1;
use sha2::{Digest, Sha256};

/// 2^128 less each of these is prime. Products of 16, 24 or 32 of them have their top bit set.
const BELOW: [u16; 64] = [
    159, 173, 233, 237, 275, 357, 675, 713, 797, 1193, 1305, 1407, 1409, 1419, 1479, 1487, 1535, 1575, 1679, 1685,
    1799, 1857, 1869, 1935, 1953, 1979, 2045, 2123, 2187, 2355, 2459, 2477, 2487, 2717, 3305, 3309, 3359, 3407, 3459,
    3465, 3515, 3627, 3837, 3845, 3885, 3989, 4187, 4229, 4277, 4349, 4419, 4437, 4485, 4893, 5003, 5117, 5133, 5159,
    5259, 5447, 5489, 5505, 5507, 5753,
];
const PRIME_BYTES: usize = 16;

fn primes() -> impl Iterator<Item = BigUint> {
    BELOW.iter().map(|less| BigUint::from(0u128.wrapping_sub(u128::from(*less))))
}

/// A modulus as long as these random bytes, which choose its primes.
pub(crate) fn modulus(random: &[u8]) -> Vec<u8> {
    let mut left: Vec<BigUint> = primes().collect();
    let mut product = BigUint::from(1u8);
    for pick in random.chunks(PRIME_BYTES) {
        let pick = pick.iter().fold(0, |sum, byte| sum * 7 + usize::from(*byte));
        if !left.is_empty() {
            product *= left.swap_remove(pick % left.len());
        }
    }
    product.to_bytes_be()
}

impl Rng {
    /// An RSA modulus of `bits` bits.
    pub(crate) fn modulus(&mut self, bits: u32) -> String {
        URL_SAFE_NO_PAD.encode(modulus(&self.bytes(bits as usize / 8)))
    }
}

/// Opens what was wrapped or encrypted by this algorithm for this modulus. None if it was not.
pub(super) fn open(algorithm: &str, modulus: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let n = BigUint::from_bytes_be(modulus);
    let own: Vec<BigUint> = primes().filter(|p| (&n % p) == BigUint::ZERO).collect();
    if sealed.len() != modulus.len() || own.iter().product::<BigUint>() != n {
        return None;
    }
    let one = BigUint::from(1u8);
    let phi: BigUint = own.iter().map(|p| p - &one).product();
    let private = BigUint::from(65_537u32).modinv(&phi)?;
    let plain = BigUint::from_bytes_be(sealed).modpow(&private, &n).to_bytes_be();
    let mut padded = vec![0; modulus.len().checked_sub(plain.len())?];
    padded.extend(plain);
    match algorithm {
        "RSA1_5" => pkcs1(&padded),
        "RSA-OAEP" => oaep::<Sha1>(&padded),
        "RSA-OAEP-256" => oaep::<Sha256>(&padded),
        _ => None,
    }
}

/// RFC 8017, 7.2.2
fn pkcs1(padded: &[u8]) -> Option<Vec<u8>> {
    let rest = padded.strip_prefix(&[0, 2])?;
    let end = rest.iter().position(|b| *b == 0).filter(|end| *end >= 8)?;
    rest.get(end + 1..).map(<[u8]>::to_vec)
}

/// RFC 8017, 7.1.2, with an empty label.
fn oaep<D: Digest>(padded: &[u8]) -> Option<Vec<u8>> {
    let label = D::digest([]);
    let (seed, data) = padded.strip_prefix(&[0])?.split_at_checked(label.len())?;
    let seed = masked::<D>(seed, data);
    let data = masked::<D>(data, &seed);
    let rest = data.strip_prefix(label.as_slice())?;
    let end = rest.iter().position(|b| *b != 0)?;
    rest.get(end..)?.strip_prefix(&[1]).map(<[u8]>::to_vec)
}

/// These bytes, under a mask made of others (RFC 8017, B.2.1).
fn masked<D: Digest>(bytes: &[u8], by: &[u8]) -> Vec<u8> {
    let mask = (0u32..).flat_map(|i| D::new().chain_update(by).chain_update(i.to_be_bytes()).finalize().to_vec());
    bytes.iter().zip(mask).map(|(a, b)| a ^ b).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(size: u16) -> Vec<u8> {
        let random: Vec<u8> = (0..size).map(|i| (i * 31 % 251) as u8).collect();
        modulus(&random)
    }

    /// `data key`, sealed for `made(256)` by python-cryptography.
    const SEALED: [(&str, &str); 3] = [
        (
            "RSA1_5",
            "57iDdy0kLdgDUAPQ8mbOCrBshW1Iy4PgTmgdS1JBt8TfntoLwNk3mGpnGoj-NTiAlpv5e75MoOYbbgidP9jlZ0Y_YlsrPl6Oyije\
             0jQ8epU4ZNBx40uHZCVwz8FY9R1eTH9y2kVX72niNqhHcFxq-gc3BWfdJhVk5aEWOFPaXUU70WOLO0rYAIhp9-VXGrnVChFvBIbX\
             oFO0IY_H0TYUvMIZ7ZSQ3BLX6MYIXBexB0LhUjPHkwbmdq-CglRGiMIjsp8OD7bkKk0ZxtfGgyhatBYLIKtb8XAu2Vrt-5bCJaG3\
             wtQQV6_WkFdRttCfZb-WNo6owIfKrAKiAcKrLFRPyg",
        ),
        (
            "RSA-OAEP",
            "xuPa170mC4_u1URNm_xLavXDAYTswa3Im5OuBfigJP84BvUonrUVVK9qMEqNnP-svCOSR79HdCffG5cc6N9o0FEurTkTMqRh7wsa\
             64rGFipHXe1pQcda44GPumIu2fimhD2VyDM6lN89VS6tUeXV9XPFreUZSKaKq4tbD--8Zg9VCiKa4IFVI7amPya8c5GfyaC2PvcC\
             Dn7uAqqbCVlVAa6UDL4rewDgYs3Qu7hZOkQTdXvoF4EnYhjiTHS2TEkXNBwNf-tj7dl-Qt8N80MVtSYLjRGctmX_-Y7_6f4zxwpn\
             Fo_arHDkaDHzb8vzofUnqb3xkyy8qwVQRXAqlZzkHA",
        ),
        (
            "RSA-OAEP-256",
            "HpqkBlOZBEePU9IB4aGTbhv9HZluWaZSlN243SwJ8CHT4_VdjiS09RmnHogm4g7RcMq-wJQWwqLDl_IZH_tYBSE0b-jvIib14pcT\
             eJD-2JEUhHvDimC5tx7n8XQCZrY59RW-rlf4s1MCXkxWBWRXFOKybfdOlyvoZoMfZp1mkbnOZUTyuNTCmHEdzK90AWlCDAFrRd9A\
             Bu8ccPygz3vgxBbQqycBxEAwfMp7HTDLB3gxNZ23qnDgdrDrHA5gXSh8FCpj4Z-1KuPRT7zlpMI18uinmjiP6Hu5f4cBn8gz6FwK\
             AuRANQp_fgRUImcwGooW6mJdShPcoALcUwdELbk2ow",
        ),
    ];

    #[test]
    fn what_another_implementation_seals_is_opened_by_its_key_alone() {
        for (algorithm, sealed) in SEALED {
            let sealed = URL_SAFE_NO_PAD.decode(sealed).unwrap();
            assert_eq!(open(algorithm, &made(256), &sealed).as_deref(), Some(b"data key".as_slice()), "{algorithm}");
            let other = modulus(&[7; 256]);
            assert_eq!(open(algorithm, &other, &sealed), None, "{algorithm}");
            assert_eq!(open("RSA-OAEP-512", &made(256), &sealed), None);
            assert_eq!(open(algorithm, &made(256), &sealed[1..]), None);
        }
    }

    #[test]
    fn moduli_have_their_full_length_and_a_private_part() {
        for size in [256, 384, 512] {
            let n = made(size);
            assert_eq!((n.len(), n[0] >> 7), (usize::from(size), 1));
        }
        assert!(primes().all(|p| (p - 1u8) % 65_537u32 != BigUint::ZERO));
        // A modulus from elsewhere, such as an imported key's, has no private part here.
        assert_eq!(open("RSA-OAEP", &[0xff; 256], &[1; 256]), None);
    }
}
