"""Addresses of the library, of uploads, and of what can be done to a song."""

from django.urls import path

from unbraid_web.songs.views import library, song, uploads

app_name = "songs"
urlpatterns = [
    path("library/", library.library, name="library"),
    path("library/delete/", library.delete_selected, name="delete_selected"),
    path("library/undo/", library.undo_selected, name="undo_selected"),
    path("uploads/", uploads.begin_upload, name="begin_upload"),
    path("uploads/whole/", uploads.upload_form, name="upload_whole"),
    path("uploads/<uuid:upload_id>/", uploads.upload_piece, name="upload"),
    path("uploads/<uuid:upload_id>/drop/", uploads.drop_upload, name="drop_upload"),
    path("songs/<uuid:song_id>/card/", song.card, name="card"),
    path("songs/<uuid:song_id>/rename/", song.rename, name="rename"),
    path("songs/<uuid:song_id>/delete/", song.delete, name="delete"),
    path("songs/<uuid:song_id>/undo/", song.undo, name="undo"),
    path("songs/<uuid:song_id>/share/", song.share, name="share"),
]
