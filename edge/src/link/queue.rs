//! The queue in front of one device: bounded, and fair between sessions.

use std::collections::VecDeque;

/// Items of several owners, given out in turn, so that one who floods waits behind himself.
#[derive(Debug)]
pub(crate) struct FairQueue<T> {
    capacity: usize,
    waiting: usize,
    /// In the order of their turns; an owner with nothing waiting is not in it.
    owners: VecDeque<Owner<T>>,
}

#[derive(Debug)]
struct Owner<T> {
    id: u64,
    items: VecDeque<T>,
}

impl<T> FairQueue<T> {
    /// A queue for `capacity` items in all.
    pub(crate) fn new(capacity: usize) -> FairQueue<T> {
        FairQueue {
            capacity,
            waiting: 0,
            owners: VecDeque::new(),
        }
    }

    /// Takes an item, or hands it back where there is no room. One owner alone gets half of the
    /// room at the most: there is always some left for whoever comes next.
    pub(crate) fn push(&mut self, id: u64, item: T) -> Result<(), T> {
        if self.waiting >= self.capacity {
            return Err(item);
        }
        let share = self.capacity.div_ceil(2);
        match self.owners.iter_mut().find(|owner| owner.id == id) {
            Some(owner) if owner.items.len() >= share => return Err(item),
            Some(owner) => owner.items.push_back(item),
            None => self.owners.push_back(Owner {
                id,
                items: VecDeque::from([item]),
            }),
        }
        self.waiting += 1;
        Ok(())
    }

    /// The next item: the oldest of the owner whose turn it is.
    pub(crate) fn pop(&mut self) -> Option<T> {
        let mut owner = self.owners.pop_front()?;
        let item = owner.items.pop_front();
        if !owner.items.is_empty() {
            self.owners.push_back(owner);
        }
        if item.is_some() {
            self.waiting -= 1;
        }
        item
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_take_turns_however_much_one_of_them_asks() {
        let mut queue = FairQueue::new(20);
        for item in 0..10 {
            queue.push(1, (1, item)).unwrap();
        }
        assert!(queue.push(1, (1, 10)).is_err(), "half of the room at most");
        queue.push(2, (2, 0)).unwrap();
        queue.push(3, (3, 0)).unwrap();
        queue.push(2, (2, 1)).unwrap();
        let order: Vec<(u64, i32)> = std::iter::from_fn(|| queue.pop()).take(6).collect();
        assert_eq!(order, [(1, 0), (2, 0), (3, 0), (1, 1), (2, 1), (1, 2)]);
    }

    #[test]
    fn it_holds_no_more_than_its_capacity_and_loses_nothing() {
        let mut queue = FairQueue::new(3);
        assert!((0..3).all(|owner| queue.push(owner, owner).is_ok()));
        assert_eq!(queue.push(9, 9), Err(9));
        assert_eq!(std::iter::from_fn(|| queue.pop()).count(), 3);
        assert!(queue.is_empty());
        assert!(queue.push(9, 9).is_ok());
    }
}
