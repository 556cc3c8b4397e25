//! The venues' twin: matching, funding, accounts and faults on a recorded or generated market.
