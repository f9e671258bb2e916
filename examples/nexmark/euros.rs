//! Euros: exact amounts with three decimals, as a price times 0.908 has.

use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// An amount of euros, exact for every price there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Euros {
    whole: u64,
    thousandths: u16,
}

impl Euros {
    /// What `dollars` are worth: 0.908 of it.
    pub(crate) fn for_dollars(dollars: u64) -> Self {
        let (thousands, rest) = (dollars / 1000, dollars % 1000);
        let rest = rest * 908;
        Euros {
            whole: thousands * 908 + rest / 1000,
            thousandths: (rest % 1000) as u16,
        }
    }

    /// `whole` euros.
    pub(crate) const fn whole(whole: u64) -> Self {
        Euros {
            whole,
            thousandths: 0,
        }
    }
}

impl fmt::Display for Euros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}", self.whole, self.thousandths)
    }
}

/// In text a number with three decimals, in a snapshot the two numbers it is.
impl Serialize for Euros {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            let number = RawValue::from_string(self.to_string()).expect("it is a number of JSON");
            number.serialize(serializer)
        } else {
            (self.whole, self.thousandths).serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for Euros {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            let (whole, thousandths) = Deserialize::deserialize(deserializer)?;
            return Ok(Euros { whole, thousandths });
        }
        let number = Box::<RawValue>::deserialize(deserializer)?;
        let parts = number.get().split_once('.');
        let parsed = parts.filter(|(_, thousandths)| thousandths.len() == 3);
        let parsed = parsed.and_then(|(whole, thousandths)| {
            Some(Euros {
                whole: whole.parse().ok()?,
                thousandths: thousandths.parse().ok()?,
            })
        });
        parsed.ok_or_else(|| D::Error::custom("expected a number with three decimals"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(dollars: u64, json: &str) {
        let euros = Euros::for_dollars(dollars);
        assert_eq!(serde_json::to_string(&euros).unwrap(), json);
        assert_eq!(serde_json::from_str::<Euros>(json).unwrap(), euros);
    }

    #[test]
    fn three_decimals_always_and_exactly() {
        check(0, "0.000");
        check(1, "0.908");
        check(250, "227.000");
        check(123_456_789, "112098764.412");
        check(u64::MAX, "16749643618928272866.420");
        assert!(Euros::for_dollars(1_101_322) > Euros::whole(1_000_000));
        assert!(Euros::for_dollars(1_101_321) < Euros::whole(1_000_000));
    }
}
