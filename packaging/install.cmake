if(TARGET heapfloor)
  install(TARGETS heapfloor RUNTIME DESTINATION bin)
endif()
