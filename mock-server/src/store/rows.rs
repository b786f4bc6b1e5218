//! Rows as the CRUD endpoints read them: any listed column, any filter.
