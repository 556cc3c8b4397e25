//! An independent witness: checks the invariants from the truth alone.
