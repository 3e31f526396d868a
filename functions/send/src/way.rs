//! By which transport a number sends: and that a number whose people are not
//! heard does not send at all.

use jiff::SignedDuration;
use platform::campaigns::{Number, NumberHealth};
use platform::fault::Fault;
use platform::whatsapp::{Credentials, Transport};
use policy::campaign::HoldReason;

use crate::Deps;
use crate::content::Gap;

/// How old the word that people are heard may be: the timer asks Amazon every
/// five minutes, so an older one says that nobody knows any more.
const HEARD_KEPT: SignedDuration = SignedDuration::from_mins(30);

/// The number's transport, with the right to use it.
///
/// Law: by Amazon's way nothing is sent unless this service listens to a topic,
/// and Amazon said lately that what people answer goes to that topic.
pub(crate) async fn of(
    number: &Number,
    health: Option<&NumberHealth>,
    deps: &Deps,
) -> Result<Result<Transport, Gap>, Fault> {
    let linked = match number.by_amazon() {
        Ok(Some(linked)) => linked,
        Ok(None) => {
            let token = deps.secrets.read(&deps.token_secret).await?;
            return Ok(Ok(Transport::CloudApi {
                client: deps.whatsapp.clone(),
                credentials: Credentials { token },
            }));
        }
        Err(_) => return Ok(Err(Gap::Unknown("its number has no names at Amazon"))),
    };
    let unheard = Ok(Err(Gap::Hold(HoldReason::StopsUnheard)));
    let Some(social) = &deps.social else {
        return unheard;
    };
    let Some((is_heard, read_at)) =
        health.and_then(|health| Some((health.is_heard?, health.read_at)))
    else {
        return Ok(Err(Gap::Unknown("nobody asked yet whether it is heard")));
    };
    if !is_heard {
        return unheard;
    }
    if deps.clock.now().duration_since(read_at) > HEARD_KEPT {
        return Ok(Err(Gap::Unknown(
            "nobody asked for too long whether it is heard",
        )));
    }
    Ok(Ok(Transport::Social {
        client: social.clone(),
        number: linked.phone_number_id.clone(),
    }))
}
