"""Where raw data comes from when it is not lying there as files; everything lands as raw files.

landing     what came, durable and by its content hash; the notes of what waits to be entered
inbox       a folder into which others put files
database    a table or query, whole or by a cursor
api         a JSON API page by page, or one file by its address
documents   images, DICOM, PDF, Word, video and audio: one row each

In: the forms of `resource.collect`. Out: files under `state/raw/<source>/`, and what was asked.
"""
