"""Lamps, buzzer and hook switch on gpiozero's mock pins; real ones are on a Raspberry Pi only."""
