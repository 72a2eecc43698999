//! Lists of faults, and those that a seed makes.

use super::{Fault, RetryHeader, What, When};
use serde::{Deserialize, Serialize};

/// A list of faults; [`Schedule::random`] makes one from a seed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Schedule(pub Vec<Fault>);

impl Schedule {
    /// A schedule that the seed fixes: each of the first `horizon_requests` requests has a fault with probability
    /// `intensity`, of any kind there is, and no delay or wait is longer than `deadline`. A late landing and a stale
    /// read get half of it each, since a write may meet both: what was sent is seen once the deadline has passed.
    pub fn random(seed: u64, intensity: f64, horizon_requests: u64, deadline: std::time::Duration) -> Self {
        let mut dice = Dice(seed);
        let most = deadline.as_secs();
        let mut faults = Vec::new();
        for n in 1..=horizon_requests {
            if dice.share() < intensity {
                faults.push(Fault::new(When::request(n), dice.what(most)));
            }
        }
        Self(faults)
    }

    /// The same without the kinds named, such as the holds for a client that has no deadline.
    pub fn without(mut self, kinds: &[&str]) -> Self {
        self.0.retain(|fault| !kinds.contains(&fault.what.kind()));
        self
    }
}

impl IntoIterator for Schedule {
    type Item = Fault;
    type IntoIter = std::vec::IntoIter<Fault>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// SplitMix64: a few lines whose numbers stay the same for ever, so that a seed in a bug report keeps its meaning.
#[derive(Debug)]
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn share(&mut self) -> f64 {
        // 53 bits: what a double holds exactly.
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A number from 0 to `most`, both included.
    fn upto(&mut self, most: u64) -> u64 {
        self.next() % most.saturating_add(1)
    }

    fn wait(&mut self, most: u64) -> u32 {
        u32::try_from(self.upto(most.min(30))).unwrap_or(30)
    }

    fn what(&mut self, most: u64) -> What {
        match self.upto(13) {
            0 => {
                let header = match self.upto(2) {
                    0 => RetryHeader::RetryAfter,
                    1 => RetryHeader::RetryAfterMs,
                    _ => RetryHeader::XMsRetryAfterMs,
                };
                What::Throttle { retry_after_s: self.wait(most), header }
            }
            1 => {
                let code = match self.upto(4) {
                    0 => 408,
                    1 => 500,
                    2 => 502,
                    3 => 503,
                    _ => 504,
                };
                let told = self.upto(1) == 1;
                What::Status { code, retry_after_s: told.then(|| self.wait(most)) }
            }
            2 => What::LostBefore,
            3 => What::Refused,
            4 => What::LostAfter,
            5 => What::LandsLate { after_s: self.upto(most / 2) },
            6 => What::StaleRead { for_s: self.upto(most / 2) },
            7 => What::SlowGrant { delay_s: self.upto(most) },
            8 => What::Busy,
            9 => What::CutBody,
            10 => What::HtmlBody,
            11 => What::EmptyBody,
            12 => What::HoldBefore,
            _ => What::HoldAfter,
        }
    }
}
