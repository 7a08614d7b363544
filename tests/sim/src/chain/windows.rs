//! What is open to be answered: the best proof that was shown, and how long windows last.

use fairway_types::{
    Epoch, Header, Height, Time,
    windows::{BlockProof, ExitRecord, ShownBlock, WaitingRecord},
};

use super::{Chain, Refused, require};

impl Chain {
    /// The best proof shown: its height, block and root; zeros for none.
    pub(super) fn best(&self) -> Option<ShownBlock> {
        self.record.windows.shown
    }

    pub(super) fn show(&mut self, proof: &BlockProof) -> Result<(), Refused> {
        let settled = self.record.settlement.height;
        let (first, last) = self.ends(&proof.headers)?;
        self.check_open()?;
        require(!self.is_over(), "shown::E_TOO_LATE")?;
        require(last.height > settled, "shown::E_SETTLED")?;
        let anchor = proof.anchor.as_ref().filter(|certificate| !certificate.signatures.is_empty());
        if anchor.is_some() {
            let acked = self.acked(first, anchor)?;
            let enough = if self.asks_everybody() { acked.everybody } else { acked.active };
            require(enough, "shown::E_NOT_CERTIFIED")?;
            require(first.height > settled, "shown::E_SETTLED")?;
        }
        if anchor.is_none() || proof.headers.len() > 1 {
            require(!self.asks_everybody(), "shown::E_NOT_CERTIFIED")?;
            let alone = self.record.windows.takes_anchors_alone(self.time, self.window());
            require(!alone, "shown::E_TOO_LATE")?;
            let recent = anchor.is_some() || last.term.epoch >= self.settled_epoch();
            require(recent, "shown::E_OLD_EPOCH")?;
            let acked = self.acked(last, proof.certificate.as_ref())?;
            require(acked.valid, "shown::E_NOT_CERTIFIED")?;
        }
        let shown = BlockProof { anchor: anchor.cloned(), ..proof.clone() }.shown();
        self.keep_best(shown.ok_or("shown::E_NOT_LINKED")?)
    }

    /// A better proof gives half a window from now to answer, but in all no more than two more.
    fn keep_best(&mut self, new: ShownBlock) -> Result<(), Refused> {
        let (window, time) = (self.window(), self.time);
        let windows = &mut self.record.windows;
        let better = windows.shown.is_none_or(|known| new.rank() > known.rank());
        require(better, "shown::E_NOT_BETTER")?;
        windows.shown = Some(new);
        if let Some(ExitRecord { opened_at, deadline, .. }) = &mut windows.exit {
            *deadline = later(*deadline, time.plus(window / 2), opened_at.plus(3 * window));
        }
        if let Some(WaitingRecord { opened_at, deadline, .. }) = &mut windows.waiting {
            *deadline = later(*deadline, time.plus(window / 2), opened_at.plus(3 * window));
        }
        self.own_shown |= windows.waiting.as_ref().is_some_and(|waits| waits.to_block == new.block);
        Ok(())
    }

    fn is_over(&self) -> bool {
        let windows = &self.record.windows;
        let exit = windows.exit.as_ref().is_some_and(|exit| exit.deadline <= self.time);
        let waiting = windows.waiting.as_ref();
        exit || waiting.is_some_and(|waits| waits.deadline <= self.time && windows.stands(waits))
    }

    /// The epoch in force at the last settlement; zero before the first.
    fn settled_epoch(&self) -> Epoch {
        if self.record.settlement.number == 0 { Epoch(0) } else { self.settled_in }
    }

    /// The first and the last of headers of this channel that follow each other.
    pub(super) fn ends<'a>(
        &self,
        headers: &'a [Header],
    ) -> Result<(&'a Header, &'a Header), Refused> {
        let first = headers.first().ok_or("shown::E_NOT_LINKED")?;
        let mut last: Option<&Header> = None;
        for header in headers {
            self.check_header(header)?;
            require(header.channel == self.record.channel, "shown::E_OTHER_CHANNEL")?;
            let follows = |last: &Header| {
                header.parent == last.hash()
                    && header.height > Height::ZERO
                    && header.height.previous() == last.height
                    && header.term >= last.term
            };
            require(last.is_none_or(follows), "shown::E_NOT_LINKED")?;
            last = Some(header);
        }
        Ok((first, last.unwrap_or(first)))
    }

    /// Room for what later versions commit to is empty.
    pub(super) fn check_header(&self, header: &Header) -> Result<(), Refused> {
        require(header.extension.is_empty(), "header::E_MALFORMED")
    }

    /// A settlement executed: proofs of what it settled are history, and so is the proposal that
    /// waits; of an epoch before it anchors alone count, also what was shown before. An exit stays as long as one of those who demand it has its seat.
    pub(super) fn close_windows(&mut self, height: Height) {
        let exit = self.record.windows.exit.take();
        let exit = exit.map(|exit| {
            let there = exit.by.iter().rev().filter(|account| self.seat(**account).is_some());
            ExitRecord { by: there.copied().collect(), ..exit }
        });
        let epoch = self.settled_epoch();
        let windows = &mut self.record.windows;
        windows.exit = exit.filter(|exit| !exit.by.is_empty());
        windows.shown = windows.shown.filter(|shown| {
            let is_old = shown.anchor_height <= height && shown.term.epoch < epoch;
            shown.height > height && !is_old
        });
        windows.waiting = None;
    }
}

/// The later of two times, but not after `most`, and never before the first.
pub(super) fn later(first: Time, second: Time, most: Time) -> Time {
    first.max(second.min(most))
}
