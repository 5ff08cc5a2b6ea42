"""Read handwritten numbers off scanned forms, with a confidence that people can trust.

The way of a page, and where to find it:

    sources, decoding, page    files to pixels, every format
    template                   what a form looks like, in mm, as YAML
    template_keys, template_faults  the keys of that, and what is wrong with them
    form/                      where the form lies on the page, where its fields are, ink without rules
    field/                     one field to candidate glyphs, and back to values with chances
    character/                 glyph to MNIST's 28 x 28, to calibrated chances
    combination/               a second reader, of whole lines; both readers' word in one chance
    reading                    what was read: values, verdicts, reasons
    rules, decision            what a value must satisfy; accepted, to review, or rejected
    expression, joint          rules between fields; the fields that they tie together, read together
    fields                     read_fields: all of the above for fields whose places are known
    pipeline                   read_page: which form, what is wrong with its picture, its fields, on one screen
    listing, reader, engine/   many pages, on all cores or on a cluster
    batch, tables, summary     a folder of pages to a ledger, and that to tables and numbers
    projection, batch_templates  a ledger to one file of another format; the templates that it keeps
    history, progress          how the value of one field came to be; how far the review is
    watching                   pages read as a scanner drops them
    storage, download, upload  files in the cloud: reached, fetched ahead of reading, results brought there
    collation                  pages put together to papers: missing, double and foreign ones
    ledger/                    the memory of a batch: its pages, where each stands, what was read
    sampling, audit, bound     a random sample of what was accepted unseen; what it shows, in a sentence to be signed
    target                     the threshold that keeps the share of wrong values that a user allows
    correction                 what people say of fields, put on what was read
    cropping                   pictures of fields, cut out of their pages again
    report/                    one page on the batch, for whoever answers for it
    drafting                   what filled pages say of a template that was proposed from a blank one
    export/                    CSV and spreadsheets, JSON, Parquet, SQLite
    editor/                    the template editor: a local page in the browser
    review/                    people look at doubtful fields: a local page, too
    api/                       other programs send pages over HTTP, and get records as JSON
    serving                    who may talk to such pages: the browser of this machine, with the key
    explain, evaluation        how a page was read; how well a batch was
    synthesis/, training/      drawing forms; training the recognizer (the only place that imports TensorFlow)
    benchmark/                 how fast it is on this machine
    cli/                       the verbs
    rounding                   chances as people are told them: never better than they are
    geometry, histogram, litert, ocr, errors  what all of it stands on

In a program: `docproc.batch.process_batch` reads folders, `docproc.pipeline.read_page` one page.
Importing this package loads none of it.
"""

__all__ = ["__version__"]

__version__ = "0.1.0"
