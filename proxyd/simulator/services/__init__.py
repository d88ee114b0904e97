"""What each service answers: tables from operation to a function of the device and the request. Pure."""
