//! Visits to a mailbox, each a session of its own for one errand: connects, works, says QUIT.

use crate::error::Result;
use crate::options::Options;
use crate::session::Client;
use crate::session::retrieve::Delivery;
use crate::session::trace::Trace;
use crate::session::transport::Connector;

/// How many messages wait.
pub async fn stat<C: Connector>(connector: &mut C, options: &Options, trace: &mut Trace<'_>) -> Result<i32> {
    let mut client = Client::open(connector, options, trace).await?;
    let count = client.message_count(trace).await?;
    // nothing was to be committed, and the number is known
    let _ = client.quit(trace).await;
    Ok(count)
}

/// What is received.
#[derive(Clone, Copy, Debug)]
pub struct Errand {
    /// Whether what has been delivered is deleted.
    pub delete: bool,
    /// How many messages at the most.
    pub most: usize,
}

/// Receives the messages. Answers how many came whole.
pub async fn receive<C: Connector>(
    connector: &mut C,
    options: &Options,
    errand: Errand,
    host: &mut impl Delivery,
    trace: &mut Trace<'_>,
) -> Result<i32> {
    let mut client = Client::open(connector, options, trace).await?;
    let numbers = client.numbers(trace).await?;
    let numbers = numbers.take(errand.most);
    let bulk = client.retrieve_many(numbers, errand.delete, host, trace).await?;
    let committed = client.quit(trace).await;
    match bulk.not_marked {
        Some(error) => Err(error),
        // where nothing is to be deleted the messages are there, whatever the server says at the end
        None if !errand.delete => Ok(bulk.delivered),
        None => committed.map(|()| bulk.delivered),
    }
}
