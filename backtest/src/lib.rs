//! Recorded history in, exact results out.
