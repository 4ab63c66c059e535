"""Files inside text: encodings of Usenet's time, pages, calendars."""
