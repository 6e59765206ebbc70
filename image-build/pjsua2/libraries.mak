# Asks pjproject's own build files what to link; called in pjsip-apps/src/swig/python by `build`.
include ../../../../build.mak
include ../../../../version.mak

libraries:
	@echo $(PJ_LDXXLIBS) $(LIBS)

version:
	@echo $(PJ_VERSION)
