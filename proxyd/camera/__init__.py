"""One virtual camera: what it should be (spec), what it is (status), and the owner of both (manager)."""
