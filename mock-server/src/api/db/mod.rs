//! `/api/db/TABLE`: rows read and written in the spelling of PostgREST.
