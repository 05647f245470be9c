# A stand-in for Vivado: `run script log argument…` executes a script and writes every command that Tcl itself does not
# have to the log, one a line. A few of them answer, or make the files that a script goes on with; the rest return a name.

namespace eval ipx {}
rename puts _puts
set calls {}
set progress 100%
set slack 0.125
set board_parts {}

proc unknown {args} {
    lappend ::calls $args
    return "<[lindex $args 0]>"
}

proc touch {path} {
    file mkdir [file dirname $path]
    close [open $path w]
}

proc create_project {args} {
    lappend ::calls [list create_project {*}$args]
    set ::project [lindex $args end]
    set ::project_name [lindex $args end-1]
}

proc generate_target {args} {
    lappend ::calls [list generate_target {*}$args]
    touch [file join $::project $::project_name.gen sources_1 bd design_1 hw_handoff design_1.hwh]
}

proc launch_runs {args} {
    lappend ::calls [list launch_runs {*}$args]
    touch [file join $::project $::project_name.runs impl_1 design_1_wrapper.bit]
}

proc write_hw_platform {args} {
    lappend ::calls [list write_hw_platform {*}$args]
    touch [lindex $args end]
}

proc get_board_parts {args} {
    lappend ::calls [list get_board_parts {*}$args]
    return $::board_parts
}

proc get_property {name args} {
    lappend ::calls [list get_property $name {*}$args]
    switch $name {
        PROGRESS { return $::progress }
        SLACK { return $::slack }
        default { return "<get_property>" }
    }
}

proc puts {args} {
    lappend ::calls [list puts {*}$args]
}

proc run {script log args} {
    set ::argv $args
    set failed [catch {uplevel #0 [list source $script]} message]
    set out [open $log w]
    fconfigure $out -translation lf -encoding utf-8
    foreach call $::calls {
        ::_puts $out [string map [list "\n" " "] $call]
    }
    if {$failed} {
        ::_puts $out "FAILED: $message"
    }
    close $out
}
