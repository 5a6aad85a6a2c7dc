//! Which messages are in a mailbox, and which of them are new.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::CString;
use std::mem;

use crate::book::{Age, Book, Known, Look};
use crate::error::{Error, Kind, Result};
use crate::session::Client;
use crate::session::collect::header::HeaderDigest;
use crate::session::collect::{Arrival, Job, Name, c_uid};
use crate::session::mailbox::UniqueIds;
use crate::session::retrieve::Delivery;
use crate::session::trace::Trace;
use crate::session::transport::Transport;
use crate::shortage;
use crate::text::hex;

/// Up to how many new messages LIST is asked for each one of them, where the mailbox has many more.
const FEW: usize = 16;

/// How many octets a header may have.
const LONGEST_HEADER: usize = 16 * 1024 * 1024;

/// What a mailbox holds, as far as there is something to do.
#[derive(Default)]
pub struct Survey {
    /// The new messages, in the order of their numbers.
    pub new: Vec<Arrival>,
    /// The messages that were taken long enough ago to be deleted.
    pub due: Vec<(i32, Name)>,
    /// The messages that the server gives nothing of by which they could be told apart, and what it says.
    pub refused: Vec<(Arrival, Error)>,
    /// Whether nothing tells the messages of this session from those of another one.
    pub is_blind: bool,
}

impl Survey {
    /// A message that is in the mailbox, and of what age it is if it was taken.
    fn add(&mut self, number: i32, name: Name, taken: Option<Age>) {
        match taken {
            None => self.new.push(Arrival { name, number, octets: -1 }),
            Some(Age::Due) => self.due.push((number, name)),
            Some(Age::Stays) => {}
        }
    }
}

/// What a run has learnt of the server in the sessions before.
#[derive(Default)]
pub struct Learnt {
    /// Whether it has given unique ids: then it is no server without.
    has_uidl: bool,
    /// How often the connection has broken at the header of a message.
    breaks: BTreeMap<Shape, u32>,
    /// How many octets of a header had come when it broke, if it broke at one.
    pub broke_at_header: Option<usize>,
}

/// What there is to know a message by in the next session that has neither unique id nor header: its number, as long as
/// nothing is deleted, and its octets.
type Shape = (i32, Option<i64>);

/// How often the header of a message is asked for, the connection breaking each time.
const MOST_BREAKS: u32 = 2;

/// Asks for the unique ids, and the book what it knows of them.
pub async fn survey<T: Transport>(
    client: &mut Client<T>,
    job: &Job,
    book: &mut dyn Book,
    learnt: &mut Learnt,
    trace: &mut Trace<'_>,
) -> Result<Survey> {
    let mut survey = Survey::default();
    let mut sizes = Sizes::default();
    let ids = match client.unique_ids(None, trace).await {
        Ok(mut ids) => {
            learnt.has_uidl = true;
            ids.unify_blanks();
            ids
        }
        // one that has it and refuses it now would have other ids the next time
        Err(error) if error.kind() != Kind::Unsupported || learnt.has_uidl => return Err(error),
        Err(_) => {
            trace.note(format_args!("the server has no UIDL: messages are told apart by their headers"));
            match by_header(client, learnt, &mut sizes, &mut survey.refused, trace).await {
                Err(error) if error.kind() == Kind::Unsupported && !job.has_book => {
                    trace.note(format_args!("it has no TOP either: they are not told apart at all"));
                    return blindly(client, &mut sizes, trace).await;
                }
                Err(error) if error.kind() == Kind::Unsupported => {
                    return Err(error.hint("it has no UIDL either, so what is new cannot be told"));
                }
                ids => ids?,
            }
        }
    };
    let ids = Sorted::new(&ids)?;
    let (alone, shared) = ids.groups();
    let known = book.look_up(&uids(&alone), &uids(&shared), ids.are_all)?;

    let mut to_look_at = shared;
    for (group, known) in alone.into_iter().zip(known) {
        match known {
            Known::New => survey.add(group.numbers[0].0, name(group.uid, None)?, None),
            Known::Taken(Age::Due) => survey.due.push((group.numbers[0].0, name(group.uid, None)?)),
            Known::Taken(Age::Stays) => {}
            Known::Shared => to_look_at.push(group),
        }
        shortage::check()?;
    }
    look_at(client, &to_look_at, book, learnt, &mut sizes, &mut survey, trace).await?;
    survey.new.sort_by_key(|new| new.number);
    survey.due.sort_unstable_by_key(|(number, _)| *number);
    sizes.learn_of(client, &mut survey.new, ids.numbers.len(), trace).await?;
    Ok(survey)
}

/// The messages of these groups, each of which may be one that was taken, or another one.
async fn look_at<T: Transport>(
    client: &mut Client<T>,
    groups: &[Group<'_>],
    book: &mut dyn Book,
    learnt: &mut Learnt,
    sizes: &mut Sizes,
    survey: &mut Survey,
    trace: &mut Trace<'_>,
) -> Result<()> {
    if groups.is_empty() {
        return Ok(());
    }
    let numbers: Vec<_> = groups.iter().flat_map(|group| group.numbers).map(|(number, _)| *number).collect();
    sizes.all(client, trace).await?;
    // in the order of the groups
    let mut headers = headers(client, numbers, learnt, sizes, trace).await?.into_iter();
    for group in groups {
        let mut looks: BTreeMap<Look, Vec<i32>> = BTreeMap::new();
        for (number, header) in headers.by_ref().take(group.numbers.len()) {
            // where the server does not give it the size must do
            let look = Look { octets: sizes.of(number), header: header.ok() };
            looks.entry(look).or_default().push(number);
        }
        compare(group, looks, book, survey)?;
    }
    Ok(())
}

/// The messages with one unique id, by their looks, with what the book knows of such.
fn compare(group: &Group<'_>, looks: BTreeMap<Look, Vec<i32>>, book: &mut dyn Book, survey: &mut Survey) -> Result<()> {
    let alone = taken_alone(group, book, &looks)?;
    for (look, numbers) in looks {
        let mut taken: Vec<Age> = alone.get(&look).copied().into_iter().collect();
        taken.extend(book.look_up_shared(group.uid, &look, numbers.len())?);
        for (copy, number) in numbers.into_iter().enumerate() {
            survey.add(number, name(group.uid, Some((look, copy)))?, taken.get(copy).copied());
        }
    }
    Ok(())
}

/// The messages that were taken when nobody shared their unique id, each as one of those that look so now: of several with
/// its header it is the one of its size, as far as servers count alike.
fn taken_alone(
    group: &Group<'_>,
    book: &mut dyn Book,
    looks: &BTreeMap<Look, Vec<i32>>,
) -> Result<BTreeMap<Look, Age>> {
    let mut alone = BTreeMap::new();
    let headers: BTreeSet<_> = looks.keys().map(|look| look.header).collect();
    for header in headers {
        let Some((octets, age)) = book.look_up_alone(group.uid, header)? else { continue };
        let mut alike = looks.keys().filter(|look| look.header == header);
        let of_its_size = alike.clone().find(|look| look.octets == octets);
        if let Some(look) = of_its_size.or_else(|| alike.next()) {
            alone.insert(*look, age);
        }
    }
    Ok(alone)
}

/// Unique ids made of the headers, for a server that has none.
async fn by_header<T: Transport>(
    client: &mut Client<T>,
    learnt: &mut Learnt,
    sizes: &mut Sizes,
    refused: &mut Vec<(Arrival, Error)>,
    trace: &mut Trace<'_>,
) -> Result<UniqueIds> {
    let mut numbers = sizes.numbers(client, trace).await?;
    let mut ids = UniqueIds { are_all: true, ..UniqueIds::default() };
    // the first one shows whether there is TOP
    let rest = numbers.split_off(numbers.len().min(1));
    let mut headers_of = headers(client, numbers, learnt, sizes, trace).await?;
    if !matches!(&headers_of[..], [(_, Err(error))] if error.kind() == Kind::Unsupported) {
        headers_of.extend(headers(client, rest, learnt, sizes, trace).await?);
    }
    for (number, header) in headers_of {
        match header {
            Ok(digest) => {
                ids.add((number, hex(&digest).as_bytes()))?;
            }
            // it is not there at all
            Err(error) if error.kind() == Kind::Unsupported => return Err(error),
            Err(error) => {
                ids.are_all = false;
                refused.push((nameless(number), error));
            }
        }
    }
    Ok(ids)
}

/// Every message as a new one, where nothing tells it from others.
async fn blindly<T: Transport>(client: &mut Client<T>, sizes: &mut Sizes, trace: &mut Trace<'_>) -> Result<Survey> {
    let mut survey = Survey { is_blind: true, ..Survey::default() };
    survey.new.extend(sizes.numbers(client, trace).await?.into_iter().map(nameless));
    sizes.learn_of(client, &mut survey.new, 0, trace).await?;
    Ok(survey)
}

/// The digests of the headers of these messages, in their order, or what is in the way of one: what the server says that
/// refuses to give it, or that the connection breaks each time.
async fn headers<T: Transport>(
    client: &mut Client<T>,
    numbers: Vec<i32>,
    learnt: &mut Learnt,
    sizes: &Sizes,
    trace: &mut Trace<'_>,
) -> Result<Vec<(i32, Result<[u8; 32]>)>> {
    let shape = |number: i32| (number, sizes.of(number));
    let breaks = |number: i32| learnt.breaks.get(&shape(number)).is_some_and(|breaks| *breaks >= MOST_BREAKS);
    let asked: Vec<_> = numbers.iter().copied().filter(|number| !breaks(*number)).collect();
    let mut headers = Headers { digest: HeaderDigest::default(), octets: 0, done: Vec::new() };
    let ended = client.tops_many(asked.iter().copied(), 0, &mut headers, trace).await;
    let Headers { octets, done, .. } = headers;
    if let Err(error) = ended {
        if let Some(front) = asked.get(done.len()) {
            *learnt.breaks.entry(shape(*front)).or_default() += 1;
            learnt.broke_at_header = Some(octets);
        }
        return Err(error);
    }
    if asked.len() == numbers.len() {
        return Ok(done);
    }
    let mut done = done.into_iter().peekable();
    let broken = || Error::new(Kind::ConnectionLost, "the connection breaks whenever its header is asked for");
    let all = numbers.into_iter().map(|number| {
        let header = done.next_if(|(next, _)| *next == number);
        header.unwrap_or_else(|| (number, Err(broken())))
    });
    Ok(all.collect())
}

/// Where headers go that are asked for to tell messages apart.
struct Headers {
    digest: HeaderDigest,
    octets: usize,
    done: Vec<(i32, Result<[u8; 32]>)>,
}

impl Delivery for Headers {
    fn piece(&mut self, _: i32, bytes: &[u8]) -> Result<()> {
        self.octets += bytes.len();
        if self.octets > LONGEST_HEADER {
            return Err(Error::new(Kind::Limit, format!("a header of more than {LONGEST_HEADER} octets")));
        }
        self.digest.add(bytes);
        Ok(())
    }

    fn whole(&mut self, number: i32) -> Result<()> {
        self.octets = 0;
        self.done.push((number, Ok(mem::take(&mut self.digest).finish())));
        Ok(())
    }

    fn refused(&mut self, number: i32, error: &Error) -> Result<()> {
        self.done.push((number, Err(Error::new(error.kind(), error.to_string()))));
        Ok(())
    }
}

/// A message that has nothing but its number, which is another one's when messages have been deleted.
fn nameless(number: i32) -> Arrival {
    let look = Look { octets: None, header: None };
    let shared = Some((look, usize::try_from(number).unwrap_or_default()));
    Arrival { name: Name { uid: CString::default(), shared }, number, octets: -1 }
}

fn name(uid: &[u8], shared: Option<(Look, usize)>) -> Result<Name> {
    Ok(Name { uid: c_uid(uid)?, shared })
}

/// The octets of messages, asked for when they are needed.
#[derive(Default)]
struct Sizes {
    /// What LIST says, in the order of the numbers.
    listed: Option<Vec<(i32, i64)>>,
}

impl Sizes {
    /// All that are listed.
    async fn all<T: Transport>(&mut self, client: &mut Client<T>, trace: &mut Trace<'_>) -> Result<&Vec<(i32, i64)>> {
        if self.listed.is_none() {
            let mut listed = match client.list(None, trace).await {
                Err(error) if error.ends_session() => return Err(error),
                // messages can be had without
                listed => listed.unwrap_or_default(),
            };
            listed.sort_unstable();
            self.listed = Some(listed);
        }
        Ok(self.listed.get_or_insert_default())
    }

    /// The numbers of all messages, of a server that refuses to list them counted.
    async fn numbers<T: Transport>(&mut self, client: &mut Client<T>, trace: &mut Trace<'_>) -> Result<Vec<i32>> {
        match &self.all(client, trace).await?[..] {
            [] => Ok(client.numbers(trace).await?.collect()),
            listed => Ok(listed.iter().map(|(number, _)| *number).collect()),
        }
    }

    /// Of one message, by the list of all, if that was asked for.
    fn of(&self, number: i32) -> Option<i64> {
        let listed = self.listed.as_ref()?;
        listed.binary_search_by_key(&number, |(number, _)| *number).ok().map(|at| listed[at].1)
    }

    /// Of the new messages of a mailbox that holds so many: by the list of all, unless they are few among many.
    async fn learn_of<T: Transport>(
        &mut self,
        client: &mut Client<T>,
        new: &mut [Arrival],
        messages: usize,
        trace: &mut Trace<'_>,
    ) -> Result<()> {
        let are_few = new.len() <= FEW && messages > 2 * FEW;
        if !are_few && !new.is_empty() {
            self.all(client, trace).await?;
        }
        for new in new {
            let octets = match self.listed {
                Some(_) => self.of(new.number),
                None => match client.list(Some(new.number), trace).await {
                    Err(error) if error.ends_session() => return Err(error),
                    listed => listed.ok().and_then(|listed| listed.first().map(|(_, octets)| *octets)),
                },
            };
            new.octets = octets.filter(|octets| *octets >= 0).unwrap_or(-1);
        }
        Ok(())
    }
}

/// The unique ids of a mailbox, in their own order.
struct Sorted<'a> {
    /// Each number with its unique id, by which they are sorted, those with the same one by their numbers.
    numbers: Vec<(i32, &'a [u8])>,
    are_all: bool,
}

fn uids<'a>(groups: &[Group<'a>]) -> Vec<&'a [u8]> {
    groups.iter().map(|group| group.uid).collect()
}

/// The messages that have the same unique id.
struct Group<'a> {
    uid: &'a [u8],
    numbers: &'a [(i32, &'a [u8])],
}

impl<'a> Sorted<'a> {
    fn new(ids: &'a UniqueIds) -> Result<Sorted<'a>> {
        let mut numbers = Vec::new();
        shortage::without_reserve(|| numbers.try_reserve_exact(ids.entries.len()))
            .map_err(|_| Error::new(Kind::OutOfMemory, "no memory for the unique ids"))?;
        numbers.extend(ids.iter());
        numbers.sort_unstable_by_key(|(number, uid)| (*uid, *number));
        Ok(Sorted { numbers, are_all: ids.are_all })
    }

    /// The unique ids that one message has, and those that several have.
    fn groups(&self) -> (Vec<Group<'_>>, Vec<Group<'_>>) {
        let groups = self.numbers.chunk_by(|one, next| one.1 == next.1);
        groups.map(|numbers| Group { uid: numbers[0].1, numbers }).partition(|group| group.numbers.len() == 1)
    }
}
