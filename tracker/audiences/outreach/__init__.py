"""Lists for people who call, write or keep a CRM: whom to contact, why, when, with what."""
