"""Events of one NVR: fetched (pump, consumer), read (parse), sorted by camera (route) and put into its own words."""
