//! Where a mail's texts and octets are kept, and how much memory that may take.
//!
//! Each is written twice, first only to be counted: so each gets room of its own size, and nothing is moved when more
//! comes. Short ones share blocks, since a part has many of them.

use std::mem;

use crate::error::{Error, Kind, Result};
use crate::shortage;

/// How many times the message's size the memory may be.
const TIMES: usize = 4;
/// What comes on top, for the structures of short fields and parts: they are larger than what they tell of.
pub const FLOOR: usize = 4 * 1024 * 1024;
/// What of that is for all that is not kept, as the parameters of the field that is being read, and so cannot grow with
/// the message.
pub const SCRATCH: usize = 1024 * 1024;

/// The size of a block that is shared.
const SHARED: usize = 16 * 1024;
/// What is longer has a block of its own.
const LARGE: usize = SHARED / 4;

/// Where decoded octets go, piece by piece.
pub trait Sink {
    /// Adds a piece.
    fn put(&mut self, bytes: &[u8]);
}

impl Sink for Vec<u8> {
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// Counts what it is given.
#[derive(Default)]
struct Count(usize);

impl Sink for Count {
    fn put(&mut self, bytes: &[u8]) {
        self.0 += bytes.len();
    }
}

/// Octets in a store, with a NUL behind them that `len` does not count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    block: u32,
    start: u32,
    len: usize,
}

impl Span {
    /// Which block, and where in it.
    pub fn place(&self) -> (usize, usize) {
        (self.block as usize, self.start as usize)
    }

    /// How many octets.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The same without so many at the beginning.
    pub fn without_first(self, count: usize) -> Span {
        Span { start: self.start + count as u32, len: self.len - count, ..self }
    }
}

/// Octets that stay where they are, and a limit for all memory of a mail.
#[derive(Debug)]
pub struct Store {
    blocks: Vec<Vec<u8>>,
    /// The block that is shared now.
    shared: usize,
    budget: Budget,
}

impl Store {
    /// One for a message of that size. An empty [`Span`] is in it already.
    pub fn new(message: usize) -> Result<Store> {
        let limit = message.saturating_mul(TIMES).saturating_add(FLOOR);
        let mut store = Store { blocks: Vec::new(), shared: 0, budget: Budget { taken: SCRATCH, limit } };
        store.add_block(SHARED)?;
        store.blocks[0].push(0);
        Ok(store)
    }

    /// Keeps what is written, each time the same.
    pub fn keep(&mut self, write: impl Fn(&mut dyn Sink)) -> Result<Span> {
        let mut count = Count::default();
        write(&mut count);
        let Count(len) = count;
        if len == 0 {
            return Ok(Span::default());
        }
        let block = self.block_with_room(len.saturating_add(1))?;
        let octets = &mut self.blocks[block];
        let start = octets.len();
        write(octets);
        octets.push(0);
        Ok(Span { block: block as u32, start: start as u32, len })
    }

    /// Keeps a copy.
    pub fn keep_copy(&mut self, bytes: &[u8]) -> Result<Span> {
        self.keep(|sink| sink.put(bytes))
    }

    /// Keeps what is written of something that was kept before.
    pub fn keep_from(&mut self, span: Span, write: impl Fn(&[u8], &mut dyn Sink)) -> Result<Span> {
        if span.len <= LARGE {
            let short = self.get(span).to_vec();
            return self.keep(|sink| write(&short, sink));
        }
        // it has its block for itself, which is out of the store as long as others are written to
        let block = mem::take(&mut self.blocks[span.block as usize]);
        let kept = self.keep(|sink| write(&block[span.start as usize..][..span.len], sink));
        self.blocks[span.block as usize] = block;
        kept
    }

    /// What was kept.
    pub fn get(&self, span: Span) -> &[u8] {
        &self.blocks[span.block as usize][span.start as usize..][..span.len]
    }

    /// What was kept, as the text that it is.
    pub fn text(&self, span: Span) -> &str {
        std::str::from_utf8(self.get(span)).unwrap_or_default()
    }

    /// How much memory is in use: lists, those for hosts in C, and [`SCRATCH`].
    pub fn held(&self) -> usize {
        self.budget.taken
    }

    /// How much it may be.
    pub fn limit(&self) -> usize {
        self.budget.limit
    }

    /// The blocks, which a [`Span::place`] is in.
    pub fn into_blocks(self) -> Vec<Vec<u8>> {
        self.blocks
    }

    /// Adds an item to a list. For hosts in C there will be another list, of smaller items.
    pub fn push<T>(&mut self, list: &mut List<T>, item: T) -> Result<()> {
        match list.blocks.last_mut() {
            Some(last) if last.len() < last.capacity() => last.push(item),
            _ => {
                self.budget.take(List::<T>::BLOCK * (size_of::<T>() + host_size::<T>()))?;
                let mut block = room(List::<T>::BLOCK)?;
                block.push(item);
                add(&mut list.blocks, block, &mut self.budget)?;
            }
        }
        Ok(())
    }

    /// Decodes what is needed for a while: `write` as for [`keep`](Store::keep).
    pub fn lend(&mut self, write: impl Fn(&mut dyn Sink)) -> Result<Vec<u8>> {
        let mut count = Count::default();
        write(&mut count);
        self.budget.take(count.0)?;
        let mut octets = room(count.0)?;
        write(&mut octets);
        Ok(octets)
    }

    /// Takes back what was lent.
    pub fn take_back(&mut self, octets: Vec<u8>) {
        self.budget.taken -= octets.len();
    }

    fn block_with_room(&mut self, size: usize) -> Result<usize> {
        if size > LARGE {
            return self.add_block(size);
        }
        let shared = &self.blocks[self.shared];
        if shared.capacity() - shared.len() < size {
            self.shared = self.add_block(SHARED)?;
        }
        Ok(self.shared)
    }

    fn add_block(&mut self, size: usize) -> Result<usize> {
        self.budget.take(size)?;
        let block = room(size)?;
        add(&mut self.blocks, block, &mut self.budget)?;
        Ok(self.blocks.len() - 1)
    }
}

#[derive(Debug)]
struct Budget {
    taken: usize,
    limit: usize,
}

impl Budget {
    fn take(&mut self, size: usize) -> Result<()> {
        match self.taken.checked_add(size) {
            Some(taken) if taken <= self.limit => self.taken = taken,
            _ => {
                return Err(Error::new(
                    Kind::Limit,
                    format!("the message's parts take more than {} octets", self.limit),
                ));
            }
        }
        Ok(())
    }
}

/// Items in blocks of one length, which stay where they are when more come.
#[derive(Debug)]
pub struct List<T> {
    blocks: Vec<Vec<T>>,
}

impl<T> List<T> {
    /// How many items a block has.
    const BLOCK: usize = 64;

    /// An empty one.
    pub fn new() -> List<T> {
        List { blocks: Vec::new() }
    }

    /// How many items there are.
    pub fn len(&self) -> usize {
        self.blocks.last().map_or(0, |last| (self.blocks.len() - 1) * Self::BLOCK + last.len())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// The items in order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.blocks.iter().flatten()
    }

    /// The last one.
    pub fn last_mut(&mut self) -> Option<&mut T> {
        self.blocks.last_mut()?.last_mut()
    }
}

impl<T> Default for List<T> {
    fn default() -> List<T> {
        List::new()
    }
}

/// What an item's counterpart in C takes at the most.
pub const fn host_size<T>() -> usize {
    size_of::<T>() * 2 / 3
}

/// Adds a block to a list of blocks, which is short.
fn add<T>(blocks: &mut Vec<Vec<T>>, block: Vec<T>, budget: &mut Budget) -> Result<()> {
    // when it grows the old one and the new one are there
    budget.take(4 * size_of::<Vec<T>>())?;
    shortage::without_reserve(|| blocks.try_reserve(1)).map_err(|_| no_memory())?;
    blocks.push(block);
    Ok(())
}

/// Room for so many items, or an error where there is no memory.
fn room<T>(count: usize) -> Result<Vec<T>> {
    let mut items = Vec::new();
    shortage::without_reserve(|| items.try_reserve_exact(count)).map_err(|_| no_memory())?;
    Ok(items)
}

fn no_memory() -> Error {
    Error::new(Kind::OutOfMemory, "no memory for the parts of the message")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_stays_and_has_a_nul_behind_it() {
        let mut store = Store::new(1 << 20).unwrap();
        let kept: Vec<_> = [0, 1, 7, 4095, 4096, 5000, 100_000, 3, 4000, 4000, 4000, 4000, 4000]
            .into_iter()
            .enumerate()
            .map(|(index, len)| {
                let bytes = vec![index as u8 + 1; len];
                (store.keep_copy(&bytes).unwrap(), bytes)
            })
            .collect();
        for (span, bytes) in &kept {
            assert_eq!(store.get(*span), bytes);
            let (block, start) = span.place();
            assert_eq!(store.blocks[block][start + bytes.len()], 0);
        }
        assert_eq!(store.get(kept[2].0.without_first(3)), [3; 4]);
        assert!(store.blocks.iter().all(|block| block.len() <= SHARED || block.len() == block.capacity()));
    }

    #[test]
    fn memory_has_a_limit() {
        let store = || Store::new(1000).unwrap();
        assert_eq!(store().limit(), 4000 + FLOOR);
        // beside it there are a NUL and an item of the list of blocks
        let whole = store().limit() - store().held() - 1 - 4 * size_of::<Vec<u8>>();
        assert!(store().keep_copy(&vec![1; whole]).is_ok());
        assert_eq!(store().keep_copy(&vec![1; whole + 1]).unwrap_err().kind(), Kind::Limit);

        let (mut store, mut list) = (Store::new(0).unwrap(), List::new());
        let last = (0_u64..).map(|item| store.push(&mut list, item)).find_map(Result::err).unwrap();
        assert_eq!(last.kind(), Kind::Limit);
        assert!(list.len() * size_of::<u64>() < FLOOR - SCRATCH && list.len() > FLOOR / 20);
        assert!(list.iter().copied().eq(0..list.len() as u64));
    }

    #[test]
    fn what_was_lent_is_given_back() {
        let mut store = Store::new(0).unwrap();
        let before = store.held();
        for _ in 0..10 {
            let lent = store.lend(|sink| sink.put(&[7; FLOOR / 2])).unwrap();
            assert_eq!(store.held(), before + FLOOR / 2);
            store.take_back(lent);
        }
        assert_eq!(store.held(), before);
    }
}
