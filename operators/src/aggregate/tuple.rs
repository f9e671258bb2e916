//! Several aggregates at once: a tuple of aggregates is an aggregate.
//!
//! Its state is the tuple of their states, its output the tuple of their outputs, and its columns are theirs in order. What
//! is saved of them follows one another, so that each of them saves all of its state or what has come to it.

use millstream_engine::{Columns, LoadError, Loading, Saving};

use super::Aggregate;

macro_rules! tuple_aggregates {
    ($($name:ident . $index:tt),+) => {
        impl<T, $($name),+> Aggregate<T> for ($($name,)+)
        where
            $($name: Aggregate<T>, $name::Output: Columns),+
        {
            type State = ($($name::State,)+);
            type Output = ($($name::Output,)+);

            fn names(&self) -> Vec<String> {
                let mut names = Vec::new();
                $(names.extend(self.$index.names());)+
                names
            }

            fn add(&self, state: &mut Self::State, record: &T) {
                $(self.$index.add(&mut state.$index, record);)+
            }

            fn merge(&self, state: &mut Self::State, other: Self::State) {
                $(self.$index.merge(&mut state.$index, other.$index);)+
            }

            fn n_records(&self, state: &Self::State) -> usize {
                1 $(.max(self.$index.n_records(&state.$index)))+
            }

            fn output(&self, state: &Self::State) -> Self::Output {
                ($(self.$index.output(&state.$index),)+)
            }

            fn heap_bytes(&self, state: &Self::State) -> usize {
                0 $(+ self.$index.heap_bytes(&state.$index))+
            }

            fn save(&self, state: &mut Self::State, to: &mut Saving<'_>) {
                $(self.$index.save(&mut state.$index, to);)+
            }

            fn load(
                &self,
                state: &mut Self::State,
                from: &mut Loading<'_>,
            ) -> Result<(), LoadError> {
                $(self.$index.load(&mut state.$index, from)?;)+
                Ok(())
            }

            fn grows(&self) -> bool {
                false $(|| self.$index.grows())+
            }

            fn kind(&self) -> String {
                [$(self.$index.kind()),+].join(", ")
            }
        }
    };
}
tuple_aggregates!(A.0);
tuple_aggregates!(A.0, B.1);
tuple_aggregates!(A.0, B.1, C.2);
tuple_aggregates!(A.0, B.1, C.2, D.3);
tuple_aggregates!(A.0, B.1, C.2, D.3, E.4);
tuple_aggregates!(A.0, B.1, C.2, D.3, E.4, F.5);
tuple_aggregates!(A.0, B.1, C.2, D.3, E.4, F.5, G.6);
tuple_aggregates!(A.0, B.1, C.2, D.3, E.4, F.5, G.6, H.7);
