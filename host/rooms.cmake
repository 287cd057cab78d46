# A room is one folder under host/ and one static library. It sees the headers of the rooms that it
# names under USES and of no other: each room's public headers are linked into a folder of their
# own, and only the folders of the rooms used are on its include path. So a wrong include does not
# compile. Headers ending in _int.h stay private to their room.
#
#   triplegain_room(NAME USES room... LINK target...)

function(triplegain_room name)
    cmake_parse_arguments(ROOM "" "" "USES;LINK" ${ARGN})
    set(source_folder ${PROJECT_SOURCE_DIR}/host/${name})
    set(seen ${PROJECT_BINARY_DIR}/rooms/${name})
    file(MAKE_DIRECTORY ${seen}/${name})
    file(GLOB headers CONFIGURE_DEPENDS RELATIVE ${source_folder} ${source_folder}/*.h)
    foreach(header ${headers})
        if(NOT header MATCHES "_int\\.h$")
            file(CREATE_LINK ${source_folder}/${header} ${seen}/${name}/${header} SYMBOLIC)
        endif()
    endforeach()
    file(GLOB sources CONFIGURE_DEPENDS ${source_folder}/*.c)
    list(FILTER sources EXCLUDE REGEX "/main\\.c$")
    if(sources)
        add_library(room_${name} STATIC ${sources})
        target_include_directories(room_${name} PUBLIC ${seen} ${PROJECT_SOURCE_DIR}/host/include)
        target_link_libraries(room_${name} PRIVATE triplegain_flags ${ROOM_LINK})
        foreach(used ${ROOM_USES})
            target_include_directories(room_${name} PRIVATE ${PROJECT_BINARY_DIR}/rooms/${used})
            target_link_libraries(room_${name} PUBLIC $<LINK_ONLY:room_${used}>)
        endforeach()
    endif()
endfunction()
