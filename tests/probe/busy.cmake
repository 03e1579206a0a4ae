# Allocates for a while, says so, and waits for the end of its input.
set(words)
foreach(number RANGE 20000)
  list(APPEND words "word-${number}")
  string(REGEX REPLACE "([0-9])" "<\\1>" changed "word-${number}")
endforeach()
list(SORT words ORDER DESCENDING)
message(STATUS busy)
execute_process(COMMAND sh -c "echo waiting; cat >/dev/null")
