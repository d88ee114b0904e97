"""Lists of cameras in other programs' files: from text to sources that can be added, and words for what cannot."""
