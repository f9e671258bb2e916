//! People: who they are is a draw from a few names, cities and states of the west of America.

use super::Making;
use super::ids::{FIRST, last_person};
use super::texts::word;
use crate::nexmark::event::Person;

/// About how large a person is, in bytes.
const AVERAGE_BYTES: usize = 200;

const FIRST_NAMES: [&str; 11] = [
    "Peter", "Paul", "Luke", "John", "Saul", "Vicky", "Kate", "Julie", "Sarah", "Deiter", "Walter",
];
const LAST_NAMES: [&str; 9] = [
    "Shultz", "Abrams", "Spencer", "White", "Bartels", "Walton", "Smith", "Jones", "Noris",
];
const CITIES: [&str; 10] = [
    "Phoenix",
    "Los Angeles",
    "San Francisco",
    "Boise",
    "Portland",
    "Bend",
    "Redmond",
    "Seattle",
    "Kent",
    "Cheyenne",
];
const STATES: [&str; 6] = ["AZ", "CA", "ID", "OR", "WA", "WY"];

impl Making<'_> {
    pub(super) fn person(mut self) -> Person {
        let random = &mut self.random;
        let name = [*random.one_of(&FIRST_NAMES), *random.one_of(&LAST_NAMES)].join(" ");
        let email_address = [&*word(random, 3, 6), "@", &word(random, 3, 4), ".com"].concat();
        let credit_card = [(); 4].map(|()| format!("{:04}", random.below(10_000)));
        let credit_card = credit_card.join(" ");
        let (city, state) = (*random.one_of(&CITIES), *random.one_of(&STATES));
        let texts = [&*name, &email_address, &credit_card, city, state];
        let n_bytes = 8 + texts.map(str::len).iter().sum::<usize>();
        Person {
            id: FIRST + last_person(self.n),
            name,
            email_address,
            credit_card,
            city: city.into(),
            state: state.into(),
            date_time: self.time,
            extra: self.extra(n_bytes, AVERAGE_BYTES),
        }
    }
}
