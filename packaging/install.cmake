install(TARGETS heapfloor RUNTIME DESTINATION bin)
