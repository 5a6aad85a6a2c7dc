# The programs of each route: one in C and one in C++, which have the target pop3connect::pop3connect and nothing else.
add_executable(consumer "${CMAKE_CURRENT_LIST_DIR}/../install/consumer.c")
add_executable(consumer_cpp "${CMAKE_CURRENT_LIST_DIR}/consumer.cpp")
set_target_properties(consumer_cpp PROPERTIES CXX_STANDARD 17 CXX_STANDARD_REQUIRED ON CXX_EXTENSIONS OFF)
foreach(program consumer consumer_cpp)
  target_compile_options(${program} PRIVATE -Wall -Wextra -Werror)
  target_link_libraries(${program} PRIVATE pop3connect::pop3connect)
endforeach()
