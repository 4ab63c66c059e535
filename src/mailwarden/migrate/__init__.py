"""Reading other scanners' installations, to write settings of ours; `mailwarden config import`.

    gathering      files by name and from folders, bounded; the only file that opens anything
    recognition    what a file is, by its name and its content
    configure_line, perl_program, simcontrol, tcp_rules, address_lists
                   one kind of input each: text in, what it says out; pure
    line_options, program_options
                   options of a `configure` line and variables of a program, as `given`
    option_tables  what Qmail-Scanner's options are here, a row each (`carrying`, `option_rows`)
    simscan        the same for simscan's compile options (`simscan_options`) and files
    joining        decisions of all inputs together, and which of them cannot stand
    writing        settings file and report
    importing      all of it in order: start reading here

Nothing here writes to an old installation, and nothing is dropped in silence: what is not a
decision is a note or a loss (`decisions`). Source of all that is said of Qmail-Scanner: facts 1.5,
2, 3.6, 3.8, 6, and the page; of simscan: its README.
"""
