# SPDX-License-Identifier: GPL-2.0-or-later
# A sound device with a fake guest in front and a recording backend behind.
add_library(audio_rig STATIC ${CMAKE_CURRENT_LIST_DIR}/audio_rig.c)
target_include_directories(audio_rig PUBLIC ${CMAKE_CURRENT_LIST_DIR})
target_link_libraries(audio_rig PUBLIC audio fake_guest PRIVATE vitrine_flags)

vitrine_test(test_virtio_snd SOURCES test_virtio_snd.c LINK audio_rig)
vitrine_test(test_virtio_snd_control SOURCES test_virtio_snd_control.c LINK audio_rig)
vitrine_test(test_virtio_snd_message SOURCES test_virtio_snd_message.c LINK audio_rig)
vitrine_test(test_virtio_snd_wav SOURCES test_virtio_snd_wav.c LINK audio fake_guest THREADS)
vitrine_test(test_audio_backends SOURCES test_audio_backends.c LINK audio)
target_include_directories(test_audio_backends PRIVATE ${PROJECT_SOURCE_DIR}/audio)
vitrine_test(test_audio_wav SOURCES test_audio_wav.c LINK audio THREADS)
target_include_directories(test_audio_wav PRIVATE ${PROJECT_SOURCE_DIR}/audio)
vitrine_test(test_audio_stereo SOURCES test_audio_stereo.c LINK audio)
target_include_directories(test_audio_stereo PRIVATE ${PROJECT_SOURCE_DIR}/audio)
vitrine_test(test_audio_tap SOURCES test_audio_tap.c LINK audio_rig THREADS)
target_include_directories(test_audio_tap PRIVATE ${PROJECT_SOURCE_DIR}/audio)
