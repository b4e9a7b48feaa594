# OE_MODULE(NAME, DEFAULT, HELP, [NEEDS], [COMMANDS])
# ---------------------------------------------------
# One optional module.  NEEDS are modules declared earlier, COMMANDS the
# command names that vanish with it.  Gives --enable-NAME, the automake
# conditional MODULE_NAME and an entry in the X-macro lists of
# src/modules.h: X(name) when built, X(name, why, "command", ...) when not.
AC_DEFUN([OE_MODULE], [
  AC_ARG_ENABLE([$1],
    [AS_HELP_STRING([--enable-$1], [$3 @<:@default=$2@:>@])],
    [], [enable_$1=$2])
  AS_CASE([$enable_$1], [yes|no], [],
    [AC_MSG_ERROR([--enable-$1 takes yes or no, not '$enable_$1'])])
  AS_IF([test "$enable_$1" = yes], [
    m4_foreach_w([oe_need], [$4], [
      AS_IF([test "$enable_]oe_need[" != yes],
        [AC_MSG_ERROR([module $1 needs module ]oe_need[: use --enable-]oe_need[ or --disable-$1])])])
    OE_MODULES_BUILT="$OE_MODULES_BUILT X($1)"
    OE_SUMMARY_BUILT="$OE_SUMMARY_BUILT $1"
  ], [
    OE_MODULES_ABSENT="$OE_MODULES_ABSENT X($1, \"disabled by --disable-$1\"m4_foreach_w([oe_cmd], [$5], [[, \"]oe_cmd[\"]]))"
    OE_SUMMARY_ABSENT="$OE_SUMMARY_ABSENT $1"
  ])
  AM_CONDITIONAL([MODULE_$1], [test "$enable_$1" = yes])
])
