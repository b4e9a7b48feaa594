# fill.awk - put the generated lists into a manual page.
# A line "@WHAT@" or "@WHAT COMMAND@" becomes what
# "omniedge __manual what command" prints.  Variables: prog, version.
/^@[A-Z]+( [a-z-]+)?@$/ {
	line = substr($0, 2, length($0) - 2)
	n = split(line, part, " ")
	cmd = "'" prog "' __manual " tolower(part[1])
	if (n > 1)
		cmd = cmd " " part[2]
	while ((cmd | getline text) > 0)
		print text
	if (close(cmd) != 0) {
		print "fill.awk: failed: " cmd > "/dev/stderr"
		exit 1
	}
	next
}
{
	gsub(/@VERSION@/, version)
	print
}
