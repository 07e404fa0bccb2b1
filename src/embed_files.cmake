# cmake -D FILES=LIST -D ROOT=FOLDER -D OUTPUT=FILE.cpp -P embed_files.cmake: writes playground_files() of
# http/playground_files.h, with each file's path below ROOT, content type, hash and bytes.
set(content_type_html "text/html; charset=utf-8")
set(content_type_css "text/css; charset=utf-8")
set(content_type_js "text/javascript; charset=utf-8")
set(content_type_svg "image/svg+xml")

file(WRITE ${OUTPUT} "#include \"http/playground_files.h\"\n\nnamespace spyhop {\n\n"
  "const std::vector<PlaygroundFile>& playground_files() {\n  static const std::vector<PlaygroundFile> files{\n")
foreach(file IN LISTS FILES)
  file(RELATIVE_PATH path ${ROOT} ${file})
  get_filename_component(extension ${file} LAST_EXT)
  string(SUBSTRING ${extension} 1 -1 extension)
  file(SHA256 ${file} hash)
  string(SUBSTRING ${hash} 0 16 hash)
  file(READ ${file} bytes)
  file(APPEND ${OUTPUT}
    "{\"${path}\", \"${content_type_${extension}}\", \"\\\"${hash}\\\"\", R\"SPYHOP_FILE(" "${bytes}" ")SPYHOP_FILE\"},\n")
endforeach()
file(APPEND ${OUTPUT} "  };\n  return files;\n}\n\n}  // namespace spyhop\n")
