//! The dates in the table's answers, held against our own clock.

use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_dynamodb::config::interceptors::{
    BeforeDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
};
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use aws_smithy_types::config_bag::{Storable, StoreReplace};
use jiff::fmt::rfc2822::DateTimeParser;
use policy::pace::skew::Skew;

use crate::clock::SharedClock;

/// What the answers of one client prove of our clock.
#[derive(Clone, Debug)]
pub(crate) struct Dates {
    clock: SharedClock,
    skew: Arc<Mutex<Skew>>,
}

/// When a request left, by our clock, in microseconds.
#[derive(Clone, Copy, Debug)]
struct Asked(i64);

impl Storable for Asked {
    type Storer = StoreReplace<Self>;
}

impl Dates {
    pub(crate) fn new(clock: SharedClock) -> Self {
        Self {
            clock,
            skew: Arc::default(),
        }
    }

    /// Whether our clock may time slots and reservations, as far as is known.
    pub(crate) fn are_bearable(&self) -> bool {
        self.skew
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_bearable()
    }
}

impl Intercept for Dates {
    fn name(&self) -> &'static str {
        "Dates"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let asked = Asked(self.clock.now().as_microsecond());
        bag.interceptor_state().store_put(asked);
        Ok(())
    }

    /// An answer without a date that can be read proves nothing.
    fn read_after_transmit(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let answered = self.clock.now().as_microsecond();
        let date = context.response().headers().get("date");
        let date = date.and_then(|date| DateTimeParser::new().parse_timestamp(date).ok());
        if let (Some(date), Some(Asked(asked))) = (date, bag.load::<Asked>()) {
            self.skew
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .observe(date.as_microsecond(), *asked, answered);
        }
        Ok(())
    }
}
