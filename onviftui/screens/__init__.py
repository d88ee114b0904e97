"""Views behind the digit keys, and the screens and dialogs on top of them."""
