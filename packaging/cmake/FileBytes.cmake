# file_bytes(VARIABLE PATH): the bytes of a file as the elements of a C++ initialiser of char.
# Character literals: bytes above 127 fit a char without narrowing, and no length limit of strings applies.
function(file_bytes variable path)
  file(READ ${path} hex HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${hex}")
  string(REGEX REPLACE "('[^']*','[^']*','[^']*','[^']*','[^']*','[^']*','[^']*','[^']*',)" "\\1\n" bytes "${bytes}")
  set(${variable} "${bytes}" PARENT_SCOPE)
endfunction()
