//! What people ask about their data: written down for the tenant, and an erasure
//! that was plainly asked for carried out.

use platform::campaigns::Request;
use platform::fault::Fault;
use platform::queue::RequestV1;
use policy::ids::TenantId;
use policy::rights::{Right, Way};

use crate::{Deps, words};

/// Does it; safe to repeat.
pub(crate) async fn take(tenant: TenantId, asked: RequestV1, deps: &Deps) -> Result<(), Fault> {
    let right = Right::from_code(&asked.right);
    let Some((right, way)) = right.zip(Way::from_code(&asked.way)) else {
        return Err(Fault::lasting(
            "take a person's request",
            "it is of no known kind",
        ));
    };
    let request = Request {
        id: asked.id,
        token: asked.who.0,
        right,
        way,
        at: asked.at,
        closed: None,
    };
    deps.campaigns.open_request(tenant, &request).await?;
    if right == Right::Erasure && way.is_plain() {
        let lists = deps.campaigns.list_ids(tenant).await?;
        let now = deps.clock.now();
        // Before all else: whoever brings something of them from now on sees it.
        deps.contacts
            .note_erased(tenant, request.token, request.at)
            .await?;
        deps.contacts.erase(tenant, &lists, request.token).await?;
        words::erase(tenant, request.token, deps).await?;
        deps.campaigns
            .close_request(tenant, request.id, None, now)
            .await?;
        tracing::info!(request = %request.id, "person erased");
    }
    Ok(())
}
