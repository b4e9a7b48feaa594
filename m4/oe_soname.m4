# OE_SONAME(VARIABLE, LIBRARY, FUNCTION, LIBS)
# --------------------------------------------
# Defines VARIABLE as the soname of what -lLIBRARY is here, "libx.so.1": the
# interface that the headers are of.  The program loads it by that name when
# it is needed, instead of being linked with it.
AC_DEFUN([OE_SONAME], [
  AC_REQUIRE([OE_PROG_OBJDUMP])
  AC_MSG_CHECKING([for the soname of $2])
  oe_save_LIBS=$LIBS
  LIBS="$4 $LIBS"
  oe_soname=
  AC_LINK_IFELSE([AC_LANG_CALL([], [$3])], [
    oe_soname=`$OBJDUMP -p conftest$ac_exeext 2>&AS_MESSAGE_LOG_FD |
      $AWK '$[]1 == "NEEDED" && $[]2 ~ /^$2\.so/ { print $[]2 }'`])
  LIBS=$oe_save_LIBS
  AS_IF([test -z "$oe_soname"],
    [AC_MSG_ERROR([no shared library $2: install the package of its headers, and binutils])])
  AC_MSG_RESULT([$oe_soname])
  AC_DEFINE_UNQUOTED([$1], ["$oe_soname"], [Name that $2 is loaded by])
])
AC_DEFUN([OE_PROG_OBJDUMP], [AC_CHECK_TOOL([OBJDUMP], [objdump], [objdump])])
