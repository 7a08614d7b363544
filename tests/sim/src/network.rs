//! What the network does to a message: which links are cut, and how long a message takes.

use std::collections::BTreeMap;

use rand::Rng;

use crate::choices::Choices;

/// Nodes that hear each other only within their group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// The group of each node.
    groups: Vec<u8>,
    /// What the second group says still reaches the first.
    one_way: bool,
}

impl Cut {
    fn blocks(&self, from: usize, to: usize) -> bool {
        let (from, to) = (self.groups[from], self.groups[to]);
        from != to && (!self.one_way || from < to)
    }
}

#[derive(Debug, Default)]
pub struct Network {
    cut: Option<Cut>,
    /// What a link takes longer than the others.
    slow: BTreeMap<(usize, usize), u64>,
}

impl Network {
    /// Slows a third of the links, each in its own measure.
    pub fn slow_down(&mut self, nodes: usize, rng: &mut Choices) {
        for from in 0..nodes {
            for to in 0..nodes {
                if from != to && rng.random_bool(0.3) {
                    self.slow.insert((from, to), rng.random_range(20..300));
                }
            }
        }
    }

    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.cut.is_some()
    }

    /// Two or three islands, or two where messages pass in one direction only.
    pub fn split(&mut self, nodes: usize, rng: &mut Choices) -> &'static str {
        let islands = if rng.random_bool(0.25) { 3 } else { 2 };
        let one_way = islands == 2 && rng.random_bool(0.3);
        let groups = (0..nodes).map(|_| rng.random_range(0..islands)).collect();
        self.cut = Some(Cut { groups, one_way });
        match (islands, one_way) {
            (3, _) => "partition in three",
            (_, true) => "one-way partition",
            (_, false) => "partition",
        }
    }

    /// Nobody hears `node` any more, though it hears the others.
    pub fn silence(&mut self, node: usize, nodes: usize) {
        let groups = (0..nodes).map(|other| u8::from(other != node)).collect();
        self.cut = Some(Cut { groups, one_way: true });
    }

    pub fn join(&mut self) {
        self.cut = None;
    }

    /// Everything as fast as the network is, and whole.
    pub fn heal(&mut self) {
        self.cut = None;
        self.slow.clear();
    }

    #[must_use]
    pub fn blocks(&self, from: usize, to: usize) -> bool {
        self.cut.as_ref().is_some_and(|cut| cut.blocks(from, to))
    }

    /// What the link takes longer than the others, milliseconds.
    #[must_use]
    pub fn extra(&self, from: usize, to: usize) -> u64 {
        self.slow.get(&(from, to)).copied().unwrap_or(0)
    }

    /// For a person: who is where.
    #[must_use]
    pub fn describe(&self) -> String {
        match &self.cut {
            None => "whole".to_owned(),
            Some(cut) => format!("{:?}{}", cut.groups, if cut.one_way { " one way" } else { "" }),
        }
    }
}
