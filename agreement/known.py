"""The disagreements that stay, each with its reason; a new one makes the command fail.

An entry that nothing needs any more makes it fail, too, so that the list only shrinks.
"""

from agreement.frame import Known

KNOWN = (
    Known(
        "mime4j",
        "fields",
        "The line that separates messages of an mbox stays in the header, without a name; a"
        " message's octets are never dropped.",
        (
            "mimetools-testmsgs/jt-0498.msg",
            "mimetools-testmsgs/mp-msg-rfc822.msg",
            "mimetools-testmsgs/twopart.msg",
            "mimetools-testmsgs/uu-junk.msg",
        ),
    ),
    Known(
        "mime4j",
        "fields",
        "A line that is no field is left out by mime4j; for us it is a field without a name, or"
        " with one that none may have, and an anomaly.",
        ("testmsgs/malformedHeader-nocrlfcrlf.msg", "testmsgs/obsolete.msg"),
    ),
    Known(
        "mime4j",
        "octets",
        "mime4j begins the body with the line that is no field and loses the lines after it; we"
        " give both readings whole.",
        (
            "testmsgs/malformedHeaderStartsBody-nocrlfcrlf.msg",
            "testmsgs/malformedHeaderStartsBody-noheader.msg",
        ),
    ),
    Known(
        "mime4j",
        "octets",
        "Base64 that is cut, or followed by text: mime4j drops the last octets, or decodes the"
        " text as well; we give what clients make of it.",
        ("mimetools-testmsgs/frag.msg", "mimetools-testmsgs/multi-frag.msg"),
    ),
    Known(
        "mime4j",
        "octets",
        "The encoding x-gzip64 is unknown to mime4j, which leaves it as it is; we decode it.",
        ("mimetools-testmsgs/x-gzip64.msg",),
    ),
    Known(
        "mime4j",
        "octets",
        "A boundary that is too long, or ends in blanks, which none may (RFC 2046 section 5.1.1):"
        " mime4j takes it as it is; we do not compare blanks at its end, nor what is too long, find"
        " parts by how they begin, and record an anomaly.",
        (
            "testmsgs/very-long-boundary.msg",
            "testmsgs/very-very-long-boundary.msg",
            "testmsgs/weird-boundary.msg",
        ),
    ),
    Known(
        "mimekit",
        "offsets",
        "An empty body: MimeKit counts the blank line to the next boundary, we to the header.",
        ("mbox/issue1189.*-offsets.json",),
        ("message 2",),
    ),
    Known(
        "stalwart",
        "structure",
        "mail-parser makes no part of a header that a boundary line ends; we do.",
        ("malformed/000.*",),
    ),
    Known(
        "stalwart",
        "offsets",
        "The last line closes the outer multipart and separates parts of the inner one:"
        " mail-parser takes it for the outer's, we for the inner's, with an anomaly.",
        ("malformed/005.*",),
    ),
    Known(
        "stalwart",
        "structure",
        "A boundary line of a multipart in that multipart's own header: mail-parser ends the"
        " header there; for us it is a line without a name, and an anomaly.",
        ("malformed/007.*",),
    ),
    *(
        Known(
            "stalwart",
            aspect,
            "A line with the boundary of the outer multipart ends the inner ones"
            " (RFC 2046 section 5.1.2); mail-parser reads on.",
            ("malformed/009.*", "malformed/011.*"),
        )
        for aspect in ("structure", "offsets", "body")
    ),
    Known(
        "stalwart",
        "name",
        "A disposition without a word: mail-parser drops the name after it, clients show it.",
        ("malformed/017.*",),
    ),
    Known(
        "stalwart",
        "offsets",
        "An attached message that is nothing but a header: mail-parser lets it go on past the"
        " boundary that closes the multipart.",
        ("malformed/022.*",),
    ),
    *(
        Known(
            "mime-tools",
            aspect,
            "The list is what MIME-tools makes when it replaces an attached message by its text.",
            ("ak-0696-replace.ref",),
        )
        for aspect in ("type", "encoding")
    ),
    Known(
        "mime-tools",
        "size",
        "MIME-tools counts a line end that belongs to the boundary, or not one that is there.",
        ("multi-nested2.ref", "multi-weirdspace.ref"),
    ),
    Known(
        "yauzl",
        "zip",
        "An empty file is no broken zip: nothing can be in it.",
        ("failure/End of central directory record signature not found*_1.zip",),
    ),
    Known(
        "yauzl",
        "zip",
        "yauzl refuses a comment or an extra field of a wrong length; all members are found and"
        " looked through all the same.",
        ("failure/Invalid comment length*", "failure/extra field length*"),
    ),
    Known(
        "yauzl",
        "zip",
        "These only list; what is in them cannot be read without a password or the method.",
        ("success/traditional-encryption*", "success/bogus-compression-method.zip"),
    ),
    Known(
        "yauzl",
        "zip",
        "The two directories do not have the same names, which we tell.",
        ("success/sloppy-filenames.zip",),
    ),
    Known(
        "rarfile",
        "members",
        "Names are encrypted: rarfile was given the password.",
        ("rar3-comment-hpsw.rar", "rar5-hpsw.rar"),
    ),
    Known(
        "rarfile",
        "members",
        "rarfile leaves out older versions of a file; somebody could unpack them.",
        ("rar3-versions.rar", "rar5-versions.rar"),
    ),
    Known(
        "rarfile",
        "members",
        "rarfile reads the other volumes from the folder; a mail has one, which we tell.",
        ("rar3-old.rar", "rar3-vols.part*.rar", "rar5-vols.part*.rar"),
    ),
    Known(
        "pypdf",
        "password",
        "The owner's password is empty: whoever knows that opens it, as we do.",
        ("r5-user-password.pdf", "r6-user-password.pdf"),
    ),
    Known(
        "qmail",
        "verdict",
        "The sample's string differs from GTUBE in one letter; no scanner knows it.",
        ("install-test/4-gtube.eml",),
    ),
    Known(
        "mime-is-broken",
        "hidden",
        "It hides nothing: its name is file.png.",
        ("hide-filename.d/cur/*",),
        ("fname-cdisp.png",),
    ),
    Known(
        "everything",
        "path",
        "libarchive goes round in a ring of hard links until its time is over: over-limit.",
        ("archives/libarchive/*/test_read_format_xar_doublelink.xar*",),
    ),
    Known(
        "everything",
        "path",
        "libarchive asks for memory without end and ends its process: a fault of the helper.",
        ("archives/libarchive/*/test_read_format_iso_rockridge_ce_loop.iso.Z*",),
    ),
    Known(
        "helper processes",
        "memory",
        "unar with test_read_format_rar_unbound_staticdata.rar and libarchive with"
        " test_read_format_iso_rockridge_ce_loop.iso.Z take what the helper may have; the next"
        " largest helper of all has 120 MB.",
        ("helper processes",),
    ),
)
